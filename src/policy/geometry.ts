import type { TextConfig } from '../model-folder/model-config.js';
import type { Rotary } from '../tensor/kernels.js';
import { gather, indices, rows, upload } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Layout } from './layout.js';
import { textRotary } from './rope.js';

/** Queries of a prompt that are attended at a time, so that scores take memory linear in the prompt's length. */
const QUERY_BLOCK = 256;

/** Scores of completions that exist at a time. */
const MAX_SCORES = 8 * 2 ** 20;

/** Tokens, or completions, `start` … `end`. */
export interface Span {
  start: number;
  end: number;
}

/** Queries `start` … `end` of each prompt, which see keys 0 … `keys` at most. */
export interface QueryBlock extends Span {
  keys: number;
  /** Keys before the first of them, by prompt. `[B]` */
  starts: number[];
}

/** The rows that ask; all rows are asked. */
export interface Asking {
  /** Of all rows; null: all of them. */
  rows: Int32Array | null;
  /** Of each prompt. */
  promptTokens: number;
  /** Of these rows. */
  rotary: Rotary;
  blocks: QueryBlock[];
}

/** A `Layout` with the heads of a model. */
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
  promptLengths: readonly number[];
  /** False where the rows are the completions alone, after an earlier pass over their prompts. */
  hasPromptRows: boolean;
  asking: Asking;
  /** Of the completions of each prompt. */
  completionBlocks: Span[];
}

export function geometryOf({ layout, config }: { layout: Layout; config: TextConfig }): Geometry {
  const { B, P, G, C, promptLengths } = layout;
  const KV = config.numKeyValueHeads;
  const R = config.numHeads / KV;
  const scoresOfOne = B * KV * C * R * (P + C);
  const rotary = rotaryOf({ positions: layout.positions, config });
  const blocks = spans(P, QUERY_BLOCK).map(({ start, end }) => {
    return { start, end, keys: end, starts: promptLengths.map(() => start) };
  });
  return {
    B,
    P,
    G,
    C,
    KV,
    R,
    D: config.headDim,
    rotary,
    promptLengths,
    hasPromptRows: true,
    asking: { rows: null, promptTokens: P, rotary, blocks },
    completionBlocks: spans(G, Math.max(1, Math.floor(MAX_SCORES / scoresOfOne))),
  };
}

/** The rows of the completions alone. */
export function completionRows(geometry: Geometry): Geometry {
  const { B, P, G, C, rotary: ofAll } = geometry;
  const own = (table: Tensor) => rows(table, B * P, B * G * C);
  const rotary = { cos: own(ofAll.cos), sin: own(ofAll.sin) };
  return { ...geometry, hasPromptRows: false, rotary, asking: { rows: null, promptTokens: 0, rotary, blocks: [] } };
}

/**
 * Of the last layer, whose rows are read where they predict a completion's token: of a prompt that is its last token
 * alone. The others are there to be seen: they have keys and values, and nothing else. Its output has the rows of
 * `layout.predictors`.
 */
export function lastLayer(geometry: Geometry): Geometry {
  const { B, P, G, C, promptLengths, rotary, hasPromptRows } = geometry;
  if (!hasPromptRows) return geometry;
  const ends = promptLengths.map((length, b) => b * P + length - 1);
  const completions = Array.from({ length: B * G * C }, (_, row) => B * P + row);
  const asking = Int32Array.from([...ends, ...completions]);
  const at = indices(asking);
  const block = { start: 0, end: 1, keys: P, starts: promptLengths.map((length) => length - 1) };
  const turn = { cos: gather(rotary.cos, at), sin: gather(rotary.sin, at) };
  return { ...geometry, asking: { rows: asking, promptTokens: 1, rotary: turn, blocks: [block] } };
}

/** 0 … count in pieces of `size`. */
const spans = (count: number, size: number): Span[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    start: i * size,
    end: Math.min((i + 1) * size, count),
  }));

/** @param positions `[3, N]` */
export function rotaryOf({ positions, config }: { positions: Int32Array; config: TextConfig }): Rotary {
  const n = positions.length / 3;
  const D = config.headDim;
  const { cos, sin } = textRotary({
    positions,
    axes: config.ropeAxes,
    theta: config.ropeTheta,
    dimension: D,
  });
  return { cos: upload(cos, [n, D]), sin: upload(sin, [n, D]) };
}
