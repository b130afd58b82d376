import type { TaskName } from '../../../src/config/task-names.js';
import { partValue } from '../../../src/dataset/annotation.js';
import { shareOf } from '../../../src/tasks/measure.js';
import type { Task } from '../../../src/tasks/task.js';

/** Says whether a video is normal: a task of nobody but this test. */
export const NORMALITY = 'normality' as TaskName;

const WORDS = ['calm', 'trouble'];

export const normalityTask: Task = {
  name: NORMALITY,
  byDefault: false,
  problem: (annotation) => (partValue(annotation.class) === undefined ? 'nobody says whether it is normal' : undefined),
  asked: (annotation) => partValue(annotation.class) === 'Normal',
  question: 'Is there calm or trouble in this video?',
  form: { answer: 'calm or trouble' },
  note: 'Say trouble when in doubt.',
  read: ({ elements: { answer } }) => ({ answer: WORDS.find((word) => word === answer?.trim().toLowerCase()) }),
  expected: (sample) => ({ think: 'I look for trouble.', elements: { answer: wordOf(sample.class) } }),
  right: (sample) => wordOf(sample.class),
  headline: { name: 'accuracy', value: ({ correct }) => Number(correct) },
  measures: () => [
    shareOf({ name: 'accuracy', holds: ({ correct }) => correct }),
    shareOf({ name: 'called_calm', holds: ({ parsed }) => parsed.answer === 'calm' }),
  ],
  guessers: () => WORDS.map((word) => ({ name: `always ${word}`, guess: () => ({ class: labelOf(word) }) })),
};

const wordOf = (label?: string) => (label === 'Normal' ? 'calm' : 'trouble');
const labelOf = (word: string) => (word === 'calm' ? 'Normal' : 'Fire');
