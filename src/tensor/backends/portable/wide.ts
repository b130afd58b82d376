import { cast, slice } from '../../ops.js';
import type { Tensor } from '../../tensor.js';

export const wide = (x: Tensor): Tensor => cast(x, 'float32');
export const typeOf = (x: Tensor): 'float32' | 'bfloat16' => (x.dtype === 'bfloat16' ? 'bfloat16' : 'float32');
/** The tensor itself where these are all of its columns. */
export const column = (x: Tensor, start: number, count: number): Tensor =>
  count === x.shape[1] ? x : slice(x, [0, start], [x.shape[0]!, count]);
