import { add, concat } from '../../tensor/ops.js';
import { dispose, scope, type Tensor } from '../../tensor/tensor.js';
import type { RowKinds } from '../embedding.js';
import type { VisionTokens } from '../families/family.js';
import { spreadRows } from '../rows.js';

/**
 * Adds what the tower has for the rows of what is seen after a decoder layer (deepstack, Meng et al. 2024).
 *
 * @param x the layer's output `[N, hidden]` float32; given up where something is added
 * @param more `[vision rows, hidden]`; undefined: nothing
 */
export function addDeep({ x, more, kinds }: { x: Tensor; more: Tensor | undefined; kinds?: RowKinds }): Tensor {
  if (more === undefined || kinds === undefined) return x;
  const sum = scope(() => add(x, spreadRows(more, kinds.vision, x.shape[0]!)));
  dispose(x);
  return sum;
}

/** What the tower gave for several videos or pictures, one after the other. */
export const joinVisuals = (parts: readonly VisionTokens[]): VisionTokens => ({
  tokens: concat(
    parts.map(({ tokens }) => tokens),
    0,
  ),
  deep: parts[0]!.deep.map((_, i) =>
    concat(
      parts.map(({ deep }) => deep[i]!),
      0,
    ),
  ),
});
