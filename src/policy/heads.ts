import { fused } from '../tensor/fused.js';
import type { HeadsPart, HeadsSegment } from '../tensor/kernels.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Geometry } from './geometry.js';

/**
 * Causal attention over prompts and completions where all completions of a prompt share its keys and values.
 *
 * Heads are laid out so that nothing is repeated: the R query heads of a key-value head are extra query rows, and the
 * G completions of a prompt are one matrix of G · C · R queries against the prompt's keys. Here
 *
 *     prompt queries       [B · KV, T · R, D]        keys, values  [B · KV, P, D]
 *     completion queries   [B · KV, G · C · R, D]    keys, values  [B · KV, G · C, D]
 *
 * with T = P, or 1 in the last layer, where a prompt's last token alone asks; and completion queries as
 * `[B · KV · G, C · R, D]`, keys as `[B · KV · G, C, D]`, are the same memory.
 */

/** Queries (scaled by 1/√D), keys and values by head, after bias and rotation. */
export interface Heads {
  q: Tensor;
  k: Tensor;
  v: Tensor;
}

/** What attention saw: enough for its backward. */
export interface AttentionSaved {
  prompt: Heads;
  /** Absent for prompts alone. */
  completion?: Heads;
}

/** Products of the projections by token, without bias: `[asking, KV · R · D]`, `[N, KV · D]`, `[N, KV · D]`. */
export interface Projected {
  q: Tensor;
  k: Tensor;
  v: Tensor;
}

/** Rows of a token set that hold B sequences of `tokens` tokens each. */
export interface Region {
  start: number;
  tokens: number;
}

export type RegionOf = (geometry: Geometry) => Region;

export const promptRegion = ({ P }: Geometry): Region => ({ start: 0, tokens: P });
export const completionRegion = ({ B, P, G, C, hasPromptRows }: Geometry): Region => ({
  start: hasPromptRows ? B * P : 0,
  tokens: G * C,
});

/** The same of the rows that ask. */
export const askingPrompts = ({ asking }: Geometry): Region => ({ start: 0, tokens: asking.promptTokens });
export const askingCompletions = ({ B, G, C, asking }: Geometry): Region => ({
  start: B * asking.promptTokens,
  tokens: G * C,
});

/**
 * @param biases of the three projections, `[width]` each, where they have one
 * @param prompt of the earlier pass, where the rows are completions alone
 */
export function splitHeads(args: {
  projected: Projected;
  biases: { q?: Tensor; k?: Tensor; v?: Tensor };
  geometry: Geometry;
  prompt?: Heads;
}): AttentionSaved {
  const { projected, biases, geometry } = args;
  const { KV, R, D, rotary, C, asking } = geometry;
  const part = (asks: Region, region: Region): Heads => {
    const heads = (name: keyof Heads, extra: { region: Region; R: number; scale: number; rotary?: typeof rotary }) =>
      headsOf({ x: projected[name], geometry, ...extra, bias: biases[name] });
    return {
      q: heads('q', { region: asks, R, scale: D ** -0.5, rotary: asking.rotary }),
      k: heads('k', { region, R: 1, scale: 1, rotary }),
      v: heads('v', { region, R: 1, scale: 1 }),
    };
  };
  if (KV * R * D !== projected.q.shape[1]) throw new Error('the queries do not have the heads of the model');
  return {
    prompt: args.prompt ?? part(askingPrompts(geometry), promptRegion(geometry)),
    completion: C > 0 ? part(askingCompletions(geometry), completionRegion(geometry)) : undefined,
  };
}

export function headsOf(args: {
  x: Tensor;
  region: Region;
  geometry: Geometry;
  R: number;
  scale: number;
  bias?: Tensor;
  rotary?: Geometry['rotary'];
}): Tensor {
  const { geometry, region, ...rest } = args;
  const { B, KV, D } = geometry;
  return fused().toHeads({ ...rest, ...region, column: 0, B, KV, D });
}

export const queryPart = (x: Tensor, { KV, R }: Geometry, offset: number): HeadsPart => ({
  x,
  offset,
  column: 0,
  KV,
  R,
});
export const keyPart = (x: Tensor, { KV }: Geometry, offset: number): HeadsPart => ({ x, offset, column: 0, KV, R: 1 });

export const segment = (geometry: Geometry, region: RegionOf, parts: HeadsPart[]): HeadsSegment => ({
  B: geometry.B,
  tokens: region(geometry).tokens,
  parts,
});

/** Queries (or what is laid out as they are) back by token; `isGradient`: scale and rotation are taken back too. */
export function joinQueries(segments: HeadsSegment[], { KV, R, D, asking }: Geometry, isGradient: boolean): Tensor {
  const width = KV * R * D;
  const columns = isGradient ? width : 0;
  const turn = { rotary: asking.rotary, rotatedColumns: columns, scaledColumns: columns, scale: D ** -0.5 };
  return fused().fromHeads({ segments, width, D, ...turn });
}

export function joinKeys(segments: HeadsSegment[], { KV, D, rotary }: Geometry, isRotated: boolean): Tensor {
  const width = KV * D;
  const turn = { rotary, rotatedColumns: isRotated ? width : 0, scaledColumns: 0, scale: 1 };
  return fused().fromHeads({ segments, width, D, ...turn });
}
