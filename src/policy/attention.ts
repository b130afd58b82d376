import { fused } from '../tensor/fused.js';
import type { HeadsPart, HeadsSegment } from '../tensor/kernels.js';
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
import type { Geometry } from './geometry.js';
import {
  type AttentionSaved,
  askingCompletions,
  askingPrompts,
  type Heads,
  joinQueries,
  queryPart,
  segment,
} from './heads.js';

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

function attendPrompts({ q, k, v }: Heads, geometry: Geometry): HeadsPart[] {
  const { R, asking } = geometry;
  const whole = fused().attention(wholePrompts({ q, k, v }, geometry));
  if (whole !== null) return [queryPart(whole, geometry, 0)];
  return asking.blocks.map((block) => {
    const { start, end, keys } = block;
    const x = scope(() => {
      const onOwn = scores(span(q, start * R, end * R), span(k, 0, keys));
      const weights = fused().attentionWeights({ onOwn }, promptView(geometry, block));
      return matmul(weights.onOwn, span(v, 0, keys));
    });
    return queryPart(x, geometry, start);
  });
}

function attendCompletions(prompt: Heads, completion: Heads, geometry: Geometry): HeadsPart[] {
  const { C, completionBlocks } = geometry;
  const whole = scope(() => fused().attention(wholeCompletions(prompt, completion, geometry)));
  if (whole !== null) return [queryPart(whole, geometry, 0)];
  return completionBlocks.flatMap((block) => {
    const count = block.end - block.start;
    const parts = scope(() => {
      const { q, k, v } = someHeads(completion, geometry, block);
      const own = completionScores(q, prompt.k, k, count);
      const weights = fused().attentionWeights(own, completionView(geometry, block));
      const fromOwn = matmul(weights.onOwn, perCompletion(v, count));
      return [matmul(weights.onPrompt!, prompt.v), reshape(fromOwn, q.shape)];
    });
    return parts.map((x) => queryPart(x, geometry, block.start * C));
  });
}
