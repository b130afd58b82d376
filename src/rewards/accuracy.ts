import type { Sample, TaskName } from '../dataset/sample.js';
import { parseCompletion } from '../prompt/answer.js';
import type { RewardFunction } from './reward.js';

/** The right answer to a sample, as the reader of completions gives it; undefined: there is none. */
const RIGHT: Partial<Record<TaskName, (sample: Sample) => string | undefined>> = {
  qa: ({ answer }) => answer,
  tag: ({ segment: { kind } }) => ({ interval: 'Anomaly', normal: 'Normal', unknown: undefined })[kind],
  cls: (sample) => sample.class,
};

/** 1 when the answer is right: the letter, Anomaly or Normal, the class. */
export const accuracyReward: RewardFunction = {
  name: 'accuracy',
  appliesTo: (task) => task in RIGHT,
  score: (input) => {
    const right = RIGHT[input.sample.task]?.(input.sample);
    return right !== undefined && parseCompletion(input).answer === right ? 1 : 0;
  },
};
