import type { Config } from '../config/schema.js';
import { labelsOf } from '../dataset/classes.js';
import { loadDataset } from '../dataset/load.js';
import type { Sample } from '../dataset/sample.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import type { LeftOutSamples } from '../prompt/usable-samples.js';
import type { Rewards, VerdictMemory } from '../rewards/rewards.js';
import type { Sampling } from '../rollout/completion.js';
import { groupBy } from '../system/group-by.js';
import type { Prediction } from '../tasks/judge.js';
import type { PromptStyle } from '../tasks/task.js';
import { answerTrials } from './answer-trials.js';
import type { Answerer } from './answerer.js';
import type { Answers } from './answers.js';
import { type BlindBaseline, blindBaselines } from './blind.js';
import { evaluatePredictions, scorePredictions, type TaskEvaluation } from './evaluate.js';
import { ANSWER, trialsOf } from './trials.js';

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
 * Answers held-out samples greedily.
 *
 * @param answers takes what is answered; what is in it is not asked again
 * @param group processes that share the samples; all get all answers
 */
export async function answerHeldOut<P>(args: {
  config: Config;
  answerer: Answerer<P>;
  answers: Answers;
  samples: readonly Sample[];
  warn: (message: string) => void;
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
  group?: ProcessGroup;
}): Promise<void> {
  const { config, answerer, answers, samples, warn, onProgress, signal, group } = args;
  const { evaluation, seed } = config;
  const settings = { prompts: [config.data.prompt], option_orders: 1, votes: 0, views: [] };
  await answerTrials({
    answerer,
    trials: trialsOf({ samples, settings, seed }),
    answers,
    sampling: answerSampling(config),
    batchSize: evaluation.batch_size,
    seed,
    log: warn,
    onProgress,
    signal,
    group,
  });
}

/**
 * How good the plain answers to samples are, beside those of blind guessers.
 *
 * @param style of the prompt that they were given to
 * @param train what the guessers learn from
 * @param memoryOf what rewards that are not pure have said of a sample's answer before
 */
export async function measureAnswers(args: {
  config: Config;
  answers: Answers;
  style: PromptStyle;
  samples: readonly Sample[];
  train: readonly Sample[];
  rewards: Rewards;
  memoryOf?: (sample: Sample) => VerdictMemory | undefined;
}): Promise<HeldOutResult> {
  const { config, answers, style, samples, train, rewards, memoryOf } = args;
  const { seed } = config;
  const { predictions, leftOut } = predictionsOf({ answers, samples, style });
  const how = { predictions, style, classes: labelsOf(config.data) };
  const scores = await scorePredictions({ ...how, rewards, memoryOf });
  const evaluations = evaluatePredictions({ ...how, scores, seed });
  const held = predictions.map(({ sample }) => sample);
  const blind = await blindBaselines({ train, held, classes: how.classes, rewards, seed });
  return { predictions, evaluations, blind, leftOut };
}

/** How answers are drawn where they are drawn: as in rollout, but for their length. */
export const answerSampling = ({ rollout, evaluation }: Pick<Config, 'rollout' | 'evaluation'>): Sampling => ({
  ...rollout,
  max_completion_length: evaluation.max_completion_length ?? rollout.max_completion_length,
  min_completion_length: 0,
});

/** The plain answers to samples, and how many have none for each reason. */
export function predictionsOf({
  answers,
  samples,
  style,
}: {
  answers: Answers;
  samples: readonly Sample[];
  style: PromptStyle;
}): { predictions: Prediction[]; leftOut: LeftOutSamples[] } {
  const trials = samples.map((sample) => ({ name: ANSWER, style, sample }));
  const predictions = trials.flatMap((trial) => {
    const [answer] = answers.of(trial);
    return answer === undefined ? [] : [{ sample: trial.sample, text: answer.text }];
  });
  const reasons = groupBy(
    trials.flatMap((trial) => answers.leftOut(trial) ?? []),
    (reason) => reason,
  );
  return { predictions, leftOut: [...reasons].map(([reason, all]) => ({ reason, count: all.length })) };
}
