import { fused } from '../tensor/fused.js';
import type { HeadsPart } from '../tensor/kernels.js';
import { matmul, reshape } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import {
  completionScores,
  completionView,
  perCompletion,
  promptView,
  scores,
  someHeads,
  span,
  wholeCompletions,
  wholePrompts,
} from './attention-blocks.js';
import type { Geometry, Span } from './geometry.js';
import {
  type AttentionSaved,
  askingCompletions,
  askingPrompts,
  completionRegion,
  type Heads,
  headsOf,
  joinKeys,
  joinQueries,
  keyPart,
  type Projected,
  promptRegion,
  queryPart,
  type Region,
  type RegionOf,
  segment,
} from './heads.js';

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
  const whole = fused().attentionGradient({ ...wholePrompts({ q, k, v }, geometry), dy });
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
      const { weights, dScores } = fused().attentionWeightsGradient(
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
  const whole = scope(() => fused().attentionGradient({ ...wholeCompletions(prompt, completion, geometry), dy: d }));
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
    const { weights, dScores } = fused().attentionWeightsGradient(
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
