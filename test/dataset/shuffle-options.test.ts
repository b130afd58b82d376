import { describe, expect, it } from 'vitest';
import { LETTERS } from '../../src/dataset/choice.js';
import type { Sample } from '../../src/dataset/sample.js';
import { withShuffledOptions } from '../../src/dataset/shuffle-options.js';

const sampleOf = (options: [string, string, string, string], more: Partial<Sample> = {}): Sample => ({
  id: 'a',
  task: 'qa',
  visuals: [],
  segment: { kind: 'unknown' },
  question: 'What?',
  options,
  answer: 'B',
  ...more,
});

/** Of many orders. */
const shuffles = (sample: Sample) => Array.from({ length: 60 }, (_, seed) => withShuffledOptions(sample, seed));
const right = ({ options, answer }: Sample) => options![LETTERS.indexOf(answer!)];

describe('withShuffledOptions', () => {
  it('the answer follows its option, and every place is taken', () => {
    const all = shuffles(sampleOf(['a fight', 'a fire', 'a fall', 'nothing']));
    for (const sample of all) {
      expect(right(sample)).toBe('a fire');
      expect([...sample.options!].sort()).toEqual(['a fall', 'a fight', 'a fire', 'nothing']);
    }
    expect(new Set(all.map(({ answer }) => answer))).toEqual(new Set(LETTERS));
  });

  it('what is about all others stays where it was', () => {
    const all = shuffles(sampleOf(['a fight', 'a fire', 'All of these', 'None of the above']));
    for (const { options } of all) expect(options!.slice(2)).toEqual(['All of these', 'None of the above']);
    expect(new Set(all.map(({ answer }) => answer))).toEqual(new Set(['A', 'B']));
  });

  it('letters of other options follow these, in options, reasoning and description', () => {
    const sample = sampleOf(['smoke', 'flames', 'Both A and B', 'Neither (A) nor (B)'], {
      answer: 'C',
      reasoning: 'B. flames can be seen, and option A fits: the answer is both.',
      description: 'A man walks.',
    });
    for (const { options, answer, reasoning, description } of shuffles(sample)) {
      const letter = (text: string) => LETTERS[options!.indexOf(text)];
      const both = options!.find((option) => option.startsWith('Both'))!;
      expect(both).toBe(`Both ${letter('smoke')} and ${letter('flames')}`);
      expect(options![LETTERS.indexOf(answer!)]).toBe(both);
      expect(reasoning).toBe(
        `${letter('flames')}. flames can be seen, and option ${letter('smoke')} fits: the answer is both.`,
      );
      expect(description).toBe('A man walks.');
    }
  });

  it('leaves other tasks alone', () => {
    const sample = { ...sampleOf(['', '', '', '']), options: undefined, answer: undefined, task: 'cls' as const };
    expect(withShuffledOptions(sample, 1)).toBe(sample);
  });
});
