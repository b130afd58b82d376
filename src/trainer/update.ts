import type { Parameters } from '../policy/parameters.js';
import { mean } from '../statistics/moments.js';
import type { Metrics } from './metrics.js';
import type { MicroBatchSums } from './micro-batch.js';
import type { AdamW } from './optimizer.js';

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
  applied: boolean;
}

/** Applies the gradients that `sums` were computed with, unless something in them is not finite. */
export function applyUpdate(args: {
  sums: MicroBatchSums[];
  optimizer: AdamW;
  parameters: Parameters;
  learningRate: number;
}): Update {
  const { sums, optimizer, parameters, learningRate } = args;
  const total = (pick: (part: MicroBatchSums) => number) => sums.reduce((sum, part) => sum + pick(part), 0);
  const tokens = total((part) => part.tokens);
  const loss = total((part) => part.loss);
  if (!Number.isFinite(loss)) parameters.clearGradients();
  const gradNorm = Number.isFinite(loss) ? optimizer.apply(learningRate) : Number.NaN;
  return {
    loss,
    kl: total((part) => part.kl) / tokens,
    entropy: total((part) => part.entropy) / tokens,
    clipRatio: total((part) => part.clipped) / tokens,
    gradNorm,
    applied: Number.isFinite(gradNorm),
  };
}

/** Means over the updates of a step. */
export function updateMetrics(updates: Update[]): Metrics {
  const of = (pick: (update: Update) => number) => mean(updates.map(pick));
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
