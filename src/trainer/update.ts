import { sumOver } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import type { Parameters } from '../policy/parameters.js';
import { mean } from '../statistics/moments.js';
import type { Metrics } from './metrics.js';
import type { MicroBatchSums } from './micro-batch.js';
import type { AdamW } from './optimizer.js';
import { sumGradients } from './sum-gradients.js';

/** One optimizer update: means over its tokens. */
export interface Update {
  loss: number;
  kl: number;
  entropy: number;
  clipRatio: number;
  gradNorm: number;
  /** False where the loss or the gradient is not finite: the weights stay as they were. */
  applied: boolean;
}

/** What a step gives to the loop. */
export interface StepResult {
  metrics: Metrics;
  /** Lines of `completions.jsonl`. */
  completions: object[];
  /** Prompt and completion tokens that were trained on. */
  tokens: number;
  /** By sample, how well its group did; only where `data.curriculum` asks for it. */
  successes?: { id: string; success: number }[];
  /** Why the weights stay as they were; null: they do not. */
  problem: StepProblem | null;
  /** What people should be told of it. */
  notes?: string[];
}

/** `no_scores`: of no completion is it known what it is worth. */
export type StepProblem = 'not_finite' | 'no_scores';

/**
 * Applies the gradients that `sums` were computed with, here and in the other processes, unless something in them is not
 * finite: all do the same.
 */
export async function applyUpdate(args: {
  sums: MicroBatchSums[];
  optimizer: AdamW;
  parameters: Parameters;
  learningRate: number;
  group: ProcessGroup;
}): Promise<Update> {
  const { sums, optimizer, parameters, learningRate, group } = args;
  const total = (pick: (part: MicroBatchSums) => number) => sums.reduce((sum, part) => sum + pick(part), 0);
  const own = [
    total((part) => part.loss),
    total((part) => part.tokens),
    total((part) => part.kl),
    total((part) => part.entropy),
    total((part) => part.clipped),
  ];
  const [loss, tokens, kl, entropy, clipped] = (await sumOver(group, own)) as [number, number, number, number, number];
  if (Number.isFinite(loss)) await sumGradients({ group, parameters });
  else parameters.clearGradients();
  const gradNorm = Number.isFinite(loss) ? optimizer.apply(learningRate) : Number.NaN;
  return {
    loss,
    kl: kl / tokens,
    entropy: entropy / tokens,
    clipRatio: clipped / tokens,
    gradNorm,
    applied: Number.isFinite(gradNorm),
  };
}

/** Means over the updates of a step; null where there was none. */
export function updateMetrics(updates: Update[]): Metrics {
  const of = (pick: (update: Update) => number) => (updates.length === 0 ? null : mean(updates.map(pick)));
  return {
    loss: of(({ loss }) => loss),
    kl: of(({ kl }) => kl),
    entropy: of(({ entropy }) => entropy),
    clip_ratio: of(({ clipRatio }) => clipRatio),
    grad_norm: of(({ gradNorm }) => gradNorm),
  };
}

/** `items` in `count` parts of equal length. */
export function chunks<T>(items: T[], count: number): T[][] {
  const size = items.length / count;
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
