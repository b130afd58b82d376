import { LETTERS, sameText } from '../dataset/choice.js';
import { matchClass } from '../dataset/classes.js';
import type { Sample, TaskName } from '../dataset/sample.js';
import { type ParsedCompletion, parseCompletion } from '../prompt/answer.js';
import type { RewardFunction } from './reward.js';

type Judge = (options: { parsed: ParsedCompletion; sample: Sample; classes: readonly string[] }) => boolean;

const JUDGES: Partial<Record<TaskName, Judge>> = {
  qa: ({ parsed: { answer, optionText }, sample: { answer: right, options } }) =>
    answer !== undefined && answer === right && !namesAnother({ optionText, options, letter: right }),
  tag: ({ parsed: { answer }, sample: { segment } }) =>
    segment.kind !== 'unknown' && answer === (segment.kind === 'interval' ? 'Anomaly' : 'Normal'),
  cls: ({ parsed: { answer }, sample, classes }) =>
    answer !== undefined && sample.class !== undefined && matchClass({ label: answer, classes }) === sample.class,
};

/** `B. text of option C` is no answer. */
function namesAnother({
  optionText,
  options,
  letter,
}: {
  optionText?: string;
  options?: readonly string[];
  letter: string;
}): boolean {
  if (optionText === undefined || options === undefined) return false;
  return options.some((option, i) => LETTERS[i] !== letter && sameText(option, optionText));
}

/** 1 when the answer is right: the letter, Anomaly or Normal, the class. */
export const accuracyReward: RewardFunction = {
  name: 'accuracy',
  appliesTo: (task) => task in JUDGES,
  score: ({ text, sample, style, classes }) => {
    const parsed = parseCompletion({ text, task: sample.task, style });
    return JUDGES[sample.task]?.({ parsed, sample, classes }) ? 1 : 0;
  },
};
