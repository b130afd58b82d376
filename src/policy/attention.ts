import type { AttentionArgs, AttentionScores, AttentionView, HeadsPart, HeadsSegment } from '../tensor/kernels.js';
import { matmul, reshape, slice } from '../tensor/ops.js';
import { activeBackend } from '../tensor/runtime.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import type { Geometry, QueryBlock, Span } from './geometry.js';

/**
 * Causal attention over prompts and completions where all completions of a prompt share its keys and values.
 *
 * Heads are laid out so that nothing is repeated: the R query heads of a key-value head are extra query rows, and the
 * G completions of a prompt are one matrix of G · C · R queries against the prompt's keys. Inside this file
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
interface Region {
  start: number;
  tokens: number;
}

type RegionOf = (geometry: Geometry) => Region;

const promptRegion = ({ P }: Geometry): Region => ({ start: 0, tokens: P });
const completionRegion = ({ B, P, G, C, hasPromptRows }: Geometry): Region => ({
  start: hasPromptRows ? B * P : 0,
  tokens: G * C,
});

/** The same of the rows that ask. */
const askingPrompts = ({ asking }: Geometry): Region => ({ start: 0, tokens: asking.promptTokens });
const askingCompletions = ({ B, G, C, asking }: Geometry): Region => ({
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

function headsOf(args: {
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
  return activeBackend().kernels.toHeads({ ...rest, ...region, column: 0, B, KV, D });
}

/** Rows of a `[heads, rows, W]` tensor: `start` … `end`. */
const span = (x: Tensor, start: number, end: number): Tensor =>
  start === 0 && end === x.shape[1] ? x : slice(x, [0, start, 0], [x.shape[0]!, end - start, x.shape[2]!]);

const scores = (q: Tensor, k: Tensor): Tensor => matmul(q, k, { transposeB: true });

const promptView = ({ R, KV, promptLengths }: Geometry, { start, end, starts }: QueryBlock): AttentionView => ({
  n: (end - start) * R,
  KV,
  R,
  C: end - start,
  causal: true,
  starts,
  promptLengths,
});

/** Some completions, which see their prompt and themselves. */
const completionView = ({ R, KV, C, promptLengths }: Geometry, { start, end }: Span): AttentionView => ({
  n: (end - start) * C * R,
  KV,
  R,
  C,
  causal: true,
  starts: promptLengths.map(() => 0),
  promptLengths,
});

/** One `[B · KV, ·, D]` matrix of some completions as `[B · KV · completions, ·, D]`. */
const perCompletion = (x: Tensor, count: number): Tensor =>
  reshape(x, [x.shape[0]! * count, x.shape[1]! / count, x.shape[2]!]);

/** The queries, keys and values of some completions. */
function someHeads({ q, k, v }: Heads, { C, R }: Geometry, { start, end }: Span): Heads {
  return {
    q: span(q, start * C * R, end * C * R),
    k: span(k, start * C, end * C),
    v: span(v, start * C, end * C),
  };
}

function completionScores(a: Tensor, promptB: Tensor, ownB: Tensor, count: number): AttentionScores {
  return { onPrompt: scores(a, promptB), onOwn: scores(perCompletion(a, count), perCompletion(ownB, count)) };
}

/** @returns `[asking, KV · R · D]` by token, in the compute type */
export function attention({ prompt, completion }: AttentionSaved, geometry: Geometry): Tensor {
  return scope(() => {
    const segments: HeadsSegment[] = [];
    if (geometry.hasPromptRows) segments.push(segment(geometry, askingPrompts, attendPrompts(prompt, geometry)));
    if (completion !== undefined)
      segments.push(segment(geometry, askingCompletions, attendCompletions(prompt, completion, geometry)));
    return joinQueries(segments, geometry, false);
  });
}

/** Prompts as sequences that have nothing before them. */
function wholePrompts({ q, k, v }: Heads, geometry: Geometry): AttentionArgs {
  const { blocks, promptTokens } = geometry.asking;
  const all = { start: 0, end: promptTokens, keys: geometry.P, starts: blocks[0]!.starts };
  return { q, own: { k, v }, view: promptView(geometry, all) };
}

/** Completions after their prompts. */
function wholeCompletions(prompt: Heads, completion: Heads, geometry: Geometry): AttentionArgs {
  const { G } = geometry;
  const own = { k: perCompletion(completion.k, G), v: perCompletion(completion.v, G) };
  return { q: completion.q, prompt, own, view: completionView(geometry, { start: 0, end: G }) };
}

function attendPrompts({ q, k, v }: Heads, geometry: Geometry): HeadsPart[] {
  const { R, asking } = geometry;
  const whole = activeBackend().kernels.attention(wholePrompts({ q, k, v }, geometry));
  if (whole !== null) return [queryPart(whole, geometry, 0)];
  return asking.blocks.map((block) => {
    const { start, end, keys } = block;
    const x = scope(() => {
      const onOwn = scores(span(q, start * R, end * R), span(k, 0, keys));
      const weights = activeBackend().kernels.attentionWeights({ onOwn }, promptView(geometry, block));
      return matmul(weights.onOwn, span(v, 0, keys));
    });
    return queryPart(x, geometry, start);
  });
}

function attendCompletions(prompt: Heads, completion: Heads, geometry: Geometry): HeadsPart[] {
  const { C, completionBlocks } = geometry;
  const whole = scope(() => activeBackend().kernels.attention(wholeCompletions(prompt, completion, geometry)));
  if (whole !== null) return [queryPart(whole, geometry, 0)];
  return completionBlocks.flatMap((block) => {
    const count = block.end - block.start;
    const parts = scope(() => {
      const { q, k, v } = someHeads(completion, geometry, block);
      const own = completionScores(q, prompt.k, k, count);
      const weights = activeBackend().kernels.attentionWeights(own, completionView(geometry, block));
      const fromOwn = matmul(weights.onOwn, perCompletion(v, count));
      return [matmul(weights.onPrompt!, prompt.v), reshape(fromOwn, q.shape)];
    });
    return parts.map((x) => queryPart(x, geometry, block.start * C));
  });
}

const queryPart = (x: Tensor, { KV, R }: Geometry, offset: number): HeadsPart => ({ x, offset, column: 0, KV, R });
const keyPart = (x: Tensor, { KV }: Geometry, offset: number): HeadsPart => ({ x, offset, column: 0, KV, R: 1 });

const segment = (geometry: Geometry, region: RegionOf, parts: HeadsPart[]): HeadsSegment => ({
  B: geometry.B,
  tokens: region(geometry).tokens,
  parts,
});

/** Queries (or what is laid out as they are) back by token; `isGradient`: scale and rotation are taken back too. */
function joinQueries(segments: HeadsSegment[], { KV, R, D, asking }: Geometry, isGradient: boolean): Tensor {
  const width = KV * R * D;
  const columns = isGradient ? width : 0;
  const turn = { rotary: asking.rotary, rotatedColumns: columns, scaledColumns: columns, scale: D ** -0.5 };
  return activeBackend().kernels.fromHeads({ segments, width, D, ...turn });
}

function joinKeys(segments: HeadsSegment[], { KV, D, rotary }: Geometry, isRotated: boolean): Tensor {
  const width = KV * D;
  const turn = { rotary, rotatedColumns: isRotated ? width : 0, scaledColumns: 0, scale: 1 };
  return activeBackend().kernels.fromHeads({ segments, width, D, ...turn });
}

/** Gradients of queries, keys and values as parts that add up. */
interface HeadsParts {
  q: HeadsPart[];
  k: HeadsPart[];
  v: HeadsPart[];
}

/**
 * The gradient of `attention` and `splitHeads`; scores and weights are computed again, block by block.
 *
 * @param dy `[asking, KV · R · D]` in the compute type
 * @returns the gradients of the projections' products by token, in the compute type
 */
export function attentionBackward(args: { saved: AttentionSaved; dy: Tensor; geometry: Geometry }): Projected {
  const { saved, dy, geometry } = args;
  const { prompt, completion } = saved;
  const byHead = (region: Region) => headsOf({ x: dy, region, geometry, R: geometry.R, scale: 1 });
  return scope(() => {
    const onPrompt = promptsBackward(prompt, byHead(askingPrompts(geometry)), geometry);
    const own: HeadsParts = { q: [], k: [], v: [] };
    if (completion !== undefined) {
      const d = byHead(askingCompletions(geometry));
      for (const gradient of completionsBackward({ prompt, completion, d, geometry })) {
        for (const name of ['q', 'k', 'v'] as const) own[name].push(...gradient.completion[name]);
        onPrompt.k.push(gradient.promptK);
        onPrompt.v.push(gradient.promptV);
      }
    }
    const segments = (name: keyof HeadsParts, prompts: RegionOf, completions: RegionOf) => [
      segment(geometry, prompts, onPrompt[name]),
      ...(completion === undefined ? [] : [segment(geometry, completions, own[name])]),
    ];
    return {
      q: joinQueries(segments('q', askingPrompts, askingCompletions), geometry, true),
      k: joinKeys(segments('k', promptRegion, completionRegion), geometry, true),
      v: joinKeys(segments('v', promptRegion, completionRegion), geometry, false),
    };
  });
}

function promptsBackward({ q, k, v }: Heads, dy: Tensor, geometry: Geometry): HeadsParts {
  const { R, asking } = geometry;
  const whole = activeBackend().kernels.attentionGradient({ ...wholePrompts({ q, k, v }, geometry), dy });
  if (whole !== null)
    return {
      q: [queryPart(whole.q, geometry, 0)],
      k: [keyPart(whole.own.k, geometry, 0)],
      v: [keyPart(whole.own.v, geometry, 0)],
    };
  const parts: HeadsParts = { q: [], k: [], v: [] };
  for (const block of asking.blocks) {
    const { start, end, keys } = block;
    const gradient = scope(() => {
      const [qb, kb, db] = [span(q, start * R, end * R), span(k, 0, keys), span(dy, start * R, end * R)];
      const { weights, dScores } = activeBackend().kernels.attentionWeightsGradient(
        { onOwn: scores(qb, kb) },
        { onOwn: scores(db, span(v, 0, keys)) },
        promptView(geometry, block),
      );
      return {
        q: matmul(dScores.onOwn, kb),
        k: matmul(dScores.onOwn, qb, { transposeA: true }),
        v: matmul(weights.onOwn, db, { transposeA: true }),
      };
    });
    parts.q.push(queryPart(gradient.q, geometry, start));
    parts.k.push(keyPart(gradient.k, geometry, 0));
    parts.v.push(keyPart(gradient.v, geometry, 0));
  }
  return parts;
}

interface CompletionsGradient {
  completion: HeadsParts;
  promptK: HeadsPart;
  promptV: HeadsPart;
}

/** The gradients that come from completions, block by block where it is not done as one. */
function completionsBackward(args: {
  prompt: Heads;
  completion: Heads;
  d: Tensor;
  geometry: Geometry;
}): CompletionsGradient[] {
  const { prompt, completion, d, geometry } = args;
  const whole = scope(() =>
    activeBackend().kernels.attentionGradient({ ...wholeCompletions(prompt, completion, geometry), dy: d }),
  );
  if (whole === null) return geometry.completionBlocks.map((block) => someBackward({ ...args, block }));
  const together = (x: Tensor) => reshape(x, completion.k.shape);
  return [
    {
      completion: {
        q: [queryPart(whole.q, geometry, 0)],
        k: [keyPart(together(whole.own.k), geometry, 0)],
        v: [keyPart(together(whole.own.v), geometry, 0)],
      },
      promptK: keyPart(whole.prompt!.k, geometry, 0),
      promptV: keyPart(whole.prompt!.v, geometry, 0),
    },
  ];
}

/** The gradients that come from some completions. */
function someBackward(args: {
  prompt: Heads;
  completion: Heads;
  d: Tensor;
  geometry: Geometry;
  block: Span;
}): CompletionsGradient {
  const { prompt, completion, d, geometry, block } = args;
  const { C, R } = geometry;
  const count = block.end - block.start;
  const gradient = scope(() => {
    const { q, k, v } = someHeads(completion, geometry, block);
    const dy = span(d, block.start * C * R, block.end * C * R);
    const own = (x: Tensor) => perCompletion(x, count);
    const { weights, dScores } = activeBackend().kernels.attentionWeightsGradient(
      completionScores(q, prompt.k, k, count),
      completionScores(dy, prompt.v, v, count),
      completionView(geometry, block),
    );
    return {
      qFromPrompt: matmul(dScores.onPrompt!, prompt.k),
      qFromOwn: reshape(matmul(dScores.onOwn, own(k)), q.shape),
      k: reshape(matmul(dScores.onOwn, own(q), { transposeA: true }), k.shape),
      v: reshape(matmul(weights.onOwn, own(dy), { transposeA: true }), v.shape),
      promptK: matmul(dScores.onPrompt!, q, { transposeA: true }),
      promptV: matmul(weights.onPrompt!, dy, { transposeA: true }),
    };
  });
  const offset = block.start * C;
  return {
    completion: {
      q: [queryPart(gradient.qFromPrompt, geometry, offset), queryPart(gradient.qFromOwn, geometry, offset)],
      k: [keyPart(gradient.k, geometry, offset)],
      v: [keyPart(gradient.v, geometry, offset)],
    },
    promptK: keyPart(gradient.promptK, geometry, 0),
    promptV: keyPart(gradient.promptV, geometry, 0),
  };
}
