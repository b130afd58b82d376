import type { Config } from '../config/schema.js';
import { labelsOf } from '../dataset/classes.js';
import { loadDataset } from '../dataset/load.js';
import type { Sample } from '../dataset/sample.js';
import type { PreparePrompt } from '../prompt/sample-prompt.js';
import type { LeftOutSamples } from '../prompt/usable-samples.js';
import type { Rewards, VerdictMemory } from '../rewards/rewards.js';
import type { Prediction } from '../tasks/judge.js';
import { type BlindBaseline, blindBaselines } from './blind.js';
import { evaluatePredictions, scorePredictions, type TaskEvaluation } from './evaluate.js';
import { type Answerer, predict } from './predict.js';

/** The held-out samples of a config; none where it names no source. */
export async function heldOutSamples({
  config,
  warn,
}: {
  config: Config;
  warn: (message: string) => void;
}): Promise<Sample[]> {
  const { data, evaluation } = config;
  if (data.eval.length === 0) return [];
  const samples = await loadDataset({ data, split: 'eval', log: warn });
  return samples.slice(0, evaluation.max_samples);
}

/** Answers to held-out samples, how good they are, and what a guesser would have got. */
export interface HeldOutResult {
  predictions: Prediction[];
  evaluations: TaskEvaluation[];
  /** Measured on the samples that were answered, and on no other. */
  blind: BlindBaseline[];
  /** Samples that could not be shown to the model. */
  leftOut: LeftOutSamples[];
}

/**
 * Answers held-out samples greedily, and measures the answers beside those of blind guessers.
 *
 * @param train what the guessers learn from
 */
export async function evaluateHeldOut(args: {
  config: Config;
  answerer: Answerer;
  samples: readonly Sample[];
  train: readonly Sample[];
  prepare: PreparePrompt;
  rewards: Rewards;
  /** What rewards that are not pure have said of a sample's answer before. */
  memoryOf?: (sample: Sample) => VerdictMemory | undefined;
  warn: (message: string) => void;
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}): Promise<HeldOutResult> {
  const { config, answerer, samples, train, prepare, rewards, memoryOf, warn, onProgress, signal } = args;
  const { predictions, leftOut } = await predict({
    answerer,
    samples,
    prepare,
    maxCompletionLength: config.evaluation.max_completion_length ?? config.rollout.max_completion_length,
    batchSize: config.evaluation.batch_size,
    log: warn,
    onProgress,
    signal,
  });
  const how = { predictions, style: config.data.prompt, classes: labelsOf(config.data) };
  const scores = await scorePredictions({ ...how, rewards, memoryOf });
  const evaluations = evaluatePredictions({ ...how, scores, seed: config.seed });
  const held = predictions.map(({ sample }) => sample);
  const blind = await blindBaselines({ train, held, classes: how.classes, rewards, seed: config.seed });
  return { predictions, evaluations, blind, leftOut };
}
