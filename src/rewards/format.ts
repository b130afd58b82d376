import { parseCompletion } from '../prompt/answer.js';
import type { RewardFunction } from './reward.js';

/** 1 when the completion is exactly of the form that the task asks for. */
export const formatReward: RewardFunction = {
  name: 'format',
  appliesTo: () => true,
  score: ({ text, sample, style }) => (parseCompletion({ text, task: sample.task, style }).formatOk ? 1 : 0),
};
