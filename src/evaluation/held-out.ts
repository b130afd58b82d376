import type { Config } from '../config/schema.js';
import { labelsOf } from '../dataset/classes.js';
import { loadDataset } from '../dataset/load.js';
import type { Sample } from '../dataset/sample.js';
import type { PreparePrompt } from '../prompt/sample-prompt.js';
import { evaluatePredictions, type TaskEvaluation } from './evaluate.js';
import type { Prediction } from './metrics/prediction.js';
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

/** Greedy answers to held-out samples, and how good they are. */
export async function evaluateHeldOut(args: {
  config: Config;
  answerer: Answerer;
  samples: readonly Sample[];
  prepare: PreparePrompt;
  warn: (message: string) => void;
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}): Promise<{ predictions: Prediction[]; evaluations: TaskEvaluation[] }> {
  const { config, answerer, samples, prepare, warn, onProgress, signal } = args;
  const predictions = await predict({
    answerer,
    samples,
    prepare,
    maxCompletionLength: config.evaluation.max_completion_length ?? config.rollout.max_completion_length,
    batchSize: config.evaluation.batch_size,
    log: warn,
    onProgress,
    signal,
  });
  const evaluations = evaluatePredictions({
    predictions,
    style: config.data.prompt,
    classes: labelsOf(config.data),
    terms: config.rewards,
    seed: config.seed,
  });
  return { predictions, evaluations };
}
