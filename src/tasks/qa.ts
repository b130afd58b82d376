import { partProblem } from '../dataset/annotation.js';
import { LETTERS, readChoice } from '../dataset/choice.js';
import type { OptionLetter, Sample } from '../dataset/sample.js';
import { shareOf } from './measure.js';
import { mostFrequent } from './most-frequent.js';
import type { JudgedPrediction, Measure, Task } from './task.js';
import { annotatedThought } from './thought.js';

/** Multiple choice: the letter of one of four options. */
export const qaTask: Task = {
  name: 'qa',
  byDefault: true,
  problem: ({ choice }) => partProblem(choice),
  asked: ({ choice }) => choice,

  question: '{question}\n{options}\n\nChoose the one option that agrees with the video.',
  form: { answer: 'the letter of the option' },
  read: ({ elements, sample: { options } }) => ({
    answer: elements.answer === undefined ? undefined : readChoice({ text: elements.answer, options })?.letter,
  }),
  expected: (sample) => {
    const { answer, options } = sample;
    const option = options?.[LETTERS.indexOf(answer ?? 'A')] ?? '';
    return { think: annotatedThought(sample) ?? `What fits the video: ${option}`, elements: { answer: answer ?? '' } };
  },

  right: ({ answer }) => answer,
  headline: { name: 'accuracy', value: ({ correct }) => Number(correct) },
  measures: qaMeasures,
  guessers: (train) => {
    const letter = mostFrequent(train.flatMap(({ answer }) => answer ?? []));
    return [
      ...(letter ? [{ name: `always ${letter}`, guess: () => ({ answer: letter }) }] : []),
      { name: 'longest option', guess: (sample) => ({ answer: longest(sample) }) },
    ];
  },
};

/** `accuracy`, and `accuracy/A` … over the samples whose right answer is that letter. */
function qaMeasures(samples: readonly Sample[]): Measure[] {
  const holds = ({ correct }: JudgedPrediction) => correct;
  const letters = LETTERS.filter((letter) => samples.some(({ answer }) => answer === letter));
  return [
    shareOf({ name: 'accuracy', holds }),
    ...letters.map((letter) =>
      shareOf({ name: `accuracy/${letter}`, of: ({ answer }) => answer === letter, holds, isDetail: true }),
    ),
  ];
}

/** The first of the longest options. */
const longest = ({ options = ['', '', '', ''] }: Sample): OptionLetter =>
  LETTERS.reduce((best, other, i) => (options[i]!.length > options[LETTERS.indexOf(best)]!.length ? other : best));
