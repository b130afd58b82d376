import type { Rotary } from '../tensor/kernels.js';
import { rows, upload } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TextConfig } from './files/model-config.js';
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
  /** Of each prompt's tokens. */
  blocks: Span[];
  /** Of the completions of each prompt. */
  completionBlocks: Span[];
}

export function geometryOf({ layout, config }: { layout: Layout; config: TextConfig }): Geometry {
  const { B, P, G, C, promptLengths } = layout;
  const KV = config.numKeyValueHeads;
  const R = config.numHeads / KV;
  const scoresOfOne = B * KV * C * R * (P + C);
  return {
    B,
    P,
    G,
    C,
    KV,
    R,
    D: config.headDim,
    rotary: rotaryOf({ positions: layout.positions, config }),
    promptLengths,
    hasPromptRows: true,
    blocks: spans(P, QUERY_BLOCK),
    completionBlocks: spans(G, Math.max(1, Math.floor(MAX_SCORES / scoresOfOne))),
  };
}

/** The rows of the completions alone. */
export function completionRows(geometry: Geometry): Geometry {
  const { B, P, G, C, rotary } = geometry;
  const own = (table: Tensor) => rows(table, B * P, B * G * C);
  return { ...geometry, hasPromptRows: false, rotary: { cos: own(rotary.cos), sin: own(rotary.sin) } };
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
    sections: config.mropeSection,
    theta: config.ropeTheta,
    dimension: D,
  });
  return { cos: upload(cos, [n, D]), sin: upload(sin, [n, D]) };
}
