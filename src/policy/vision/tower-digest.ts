import { createHash } from 'node:crypto';
import type { Grid } from '../../prompt/patches.js';
import { cast, downloadFloats } from '../../tensor/ops.js';
import { scope } from '../../tensor/tensor.js';
import type { Policy } from '../policy.js';
import { isVision } from '../shapes.js';

/** In patches: more than one window of a tower that has windows, and two moments. */
const PROBE: Grid = [2, 16, 20];

/**
 * Names a tower by its weights and by what it makes of a picture of noise, bit for bit: another model, another type,
 * another processor's instructions or another version of our kernels have another name.
 */
export function towerDigest(policy: Policy): string {
  const hash = createHash('sha256');
  const { parameters } = policy;
  hash.update(parameters.type);
  for (const name of parameters.frozenNames.filter(isVision).toSorted()) {
    const tensor = parameters.get(name);
    hash.update(JSON.stringify([name, tensor.shape, tensor.dtype]));
    hash.update(bytesOf(scope(() => downloadFloats(cast(tensor, 'float32')))));
  }
  const embedding = parameters.get('visual.patch_embed.proj.weight');
  const patch = embedding.size / embedding.shape[0]!;
  const count = PROBE[0] * PROBE[1] * PROBE[2];
  const patches = Float32Array.from({ length: count * patch }, (_, i) => ((i * 7919) % 1009) / 504.5 - 1);
  scope(() => {
    const { tokens, deep } = policy.see([{ patches, grid: PROBE }]);
    for (const tensor of [tokens, ...deep]) hash.update(bytesOf(downloadFloats(cast(tensor, 'float32'))));
  });
  return hash.digest('hex');
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
