import { upload } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TextConfig } from './files/model-config.js';
import type { Layout } from './layout.js';
import { type Rotary, textRotary } from './rope.js';

/** Queries of a prompt that are attended at a time, so that scores take memory linear in the prompt's length. */
const QUERY_BLOCK = 256;

/** Added to the scores of keys that a query must not see. Large, and finite so that no row becomes NaN. */
export const MASKED = -1e30;

/** One block of the prompts' queries: tokens `start` … `end`, which see keys 0 … `end`. */
export interface QueryBlock {
  start: number;
  end: number;
  /** Over the block's own keys, `[(end − start) · R, end − start]`; all keys before `start` are seen. */
  mask: Tensor;
}

/** A `Layout` on the device, with the heads of a model. */
export interface Geometry {
  B: number;
  P: number;
  G: number;
  C: number;
  /** Key-value heads, query heads of each, dimensions of a head. */
  KV: number;
  R: number;
  D: number;
  rotary: Rotary;
  blocks: QueryBlock[];
  /** `[B · KV, 1, P]`: hides the padding of shorter prompts from completions. Absent where no prompt is padded. */
  padding?: Tensor;
  /** `[C · R, C]`: a completion's own causal mask. Absent for prompts alone. */
  causal?: Tensor;
}

export function geometryOf({ layout, config }: { layout: Layout; config: TextConfig }): Geometry {
  const { B, P, G, C } = layout;
  const KV = config.numKeyValueHeads;
  const R = config.numHeads / KV;
  const D = config.headDim;
  const blocks: QueryBlock[] = [];
  const whole = Math.min(QUERY_BLOCK, P);
  const wholeMask = causalMask({ tokens: whole, R });
  for (let start = 0; start < P; start += QUERY_BLOCK) {
    const end = Math.min(start + QUERY_BLOCK, P);
    blocks.push({ start, end, mask: end - start === whole ? wholeMask : causalMask({ tokens: end - start, R }) });
  }
  const isPadded = layout.promptLengths.some((length) => length < P);
  return {
    B,
    P,
    G,
    C,
    KV,
    R,
    D,
    rotary: rotaryOf({ positions: layout.positions, config }),
    blocks,
    padding: isPadded ? paddingMask({ lengths: layout.promptLengths, P, KV }) : undefined,
    causal: C > 0 ? causalMask({ tokens: C, R }) : undefined,
  };
}

/** @param positions `[3, N]` */
export function rotaryOf({ positions, config }: { positions: Int32Array; config: TextConfig }): Rotary {
  const n = positions.length / 3;
  const D = config.headDim;
  const { cos, sin } = textRotary({
    positions,
    sections: config.mropeSection,
    theta: config.ropeTheta,
    dimension: D,
  });
  return { cos: upload(cos, [n, 1, D]), sin: upload(sin, [n, 1, D]) };
}

/** Rows are tokens, each R times (its query heads); columns are keys: 0 where the key is not later, else `MASKED`. */
function causalMask({ tokens, R }: { tokens: number; R: number }): Tensor {
  const mask = new Float32Array(tokens * R * tokens);
  for (let row = 0; row < tokens * R; row++)
    mask.fill(MASKED, row * tokens + Math.floor(row / R) + 1, (row + 1) * tokens);
  return upload(mask, [tokens * R, tokens]);
}

export function paddingMask({ lengths, P, KV }: { lengths: number[]; P: number; KV: number }): Tensor {
  const mask = new Float32Array(lengths.length * KV * P);
  for (const [b, length] of lengths.entries())
    for (let head = b * KV; head < (b + 1) * KV; head++) mask.fill(MASKED, head * P + length, (head + 1) * P);
  return upload(mask, [lengths.length * KV, 1, P]);
}
