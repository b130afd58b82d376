import { parseCompletion } from '../tasks/completion.js';
import { isRight } from '../tasks/judge.js';
import { taskNamed } from '../tasks/named.js';
import { pureReward } from './reward.js';

/** 1 when the answer is right: the letter, Anomaly or Normal, the class. */
export const accuracyReward = pureReward({
  name: 'accuracy',
  appliesTo: (task) => taskNamed(task).right !== undefined,
  score: (input) => (isRight({ sample: input.sample, parsed: parseCompletion(input) }) ? 1 : 0),
});
