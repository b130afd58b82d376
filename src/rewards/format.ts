import { parseCompletion } from '../tasks/completion.js';
import { pureReward } from './reward.js';

/** 1 when the completion is exactly of the form that the task asks for. */
export const formatReward = pureReward({
  name: 'format',
  appliesTo: () => true,
  score: (input) => (parseCompletion(input).formatOk ? 1 : 0),
});
