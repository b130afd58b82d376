import { describe, expect, it } from 'vitest';
import { rowKinds } from '../../src/policy/embedding.js';
import { layOut } from '../../src/policy/layout.js';
import type { Prompt } from '../../src/prompt/prompt.js';

/** Positions that tell axis and token apart: 100 · axis + token. */
const prompt = (tokenIds: number[], nextPosition: number): Prompt => ({
  tokenIds: Int32Array.from(tokenIds),
  positions: Int32Array.from([0, 100, 200].flatMap((axis) => tokenIds.map((_, i) => axis + i))),
  nextPosition,
  visuals: [],
});

const prompts = [prompt([1, 2, 3], 50), prompt([4, 5], 60)];
const completions = [
  [Int32Array.of(11, 12, 13), Int32Array.of(21)],
  [Int32Array.of(31, 32), new Int32Array(0)],
];

describe('layOut', () => {
  const layout = layOut({ prompts, completions });

  it('puts padded prompts first, then completions without their last token', () => {
    const { B, P, G, C, tokenIds, promptLengths } = layout;
    expect({ B, P, G, C, promptLengths }).toEqual({ B: 2, P: 3, G: 2, C: 2, promptLengths: [3, 2] });
    expect([...tokenIds]).toEqual([1, 2, 3, 4, 5, 5, 11, 12, 21, 21, 31, 32, 4, 4]);
  });

  it('starts each completion at the next position of its prompt, on all three axes', () => {
    const axes = [0, 1, 2].map((axis) => [...layout.positions.slice(axis * 14, (axis + 1) * 14)]);
    const completionPositions = [50, 51, 50, 51, 60, 61, 60, 61];
    expect(axes).toEqual(
      [0, 100, 200].map((first) => [...[0, 1, 2, 0, 1, 1].map((p) => first + p), ...completionPositions]),
    );
  });

  it('knows which row predicts which completion token', () => {
    // The first token is predicted by its prompt's last row, each other one by the row of the token before. Of prompts the
    // last layer gives the last rows alone: 2 of 6.
    expect([...layout.targets]).toEqual([11, 12, 13, 21, 31, 32]);
    expect([...layout.predictors]).toEqual([0, 2, 3, 0, 1, 6]);
    expect([...layout.offsets]).toEqual([0, 3, 4, 6, 6]);
    for (const [i, row] of layout.predictors.entries())
      if (row >= 2) expect(layout.tokenIds[4 + row]).toBe(layout.targets[i - 1]);
  });

  it('prompts alone have no completion rows', () => {
    const { G, C, tokenIds, targets, offsets } = layOut({ prompts });
    expect([G, C, tokenIds.length, targets.length, [...offsets]]).toEqual([0, 0, 6, 0, [0]]);
  });

  it('completions of one token each still have a row', () => {
    const one = layOut({ prompts, completions: prompts.map(() => [Int32Array.of(7)]) });
    expect([one.C, one.tokenIds.length, [...one.predictors]]).toEqual([1, 8, [0, 1]]);
  });
});

it('only the vision tokens of a prompt stand for what is seen', () => {
  const [VIDEO, IMAGE] = [9, 10];
  const seeing = [prompt([IMAGE, VIDEO, VIDEO], 5), prompt([2, VIDEO], 5)];
  const drawn = [[Int32Array.of(VIDEO, 3, 4)], [Int32Array.of(8, IMAGE, 4)]];
  const layout = layOut({ prompts: seeing, completions: drawn });
  // The padding of the second prompt repeats its video token, and both completions drew one.
  expect([...layout.tokenIds]).toEqual([IMAGE, VIDEO, VIDEO, 2, VIDEO, VIDEO, VIDEO, 3, 8, IMAGE]);
  const { vision, text } = rowKinds({ layout, config: { videoTokenId: VIDEO, imageTokenId: IMAGE } });
  expect([...vision]).toEqual([0, 1, 2, 4]);
  expect([...text]).toEqual([3, 5, 6, 7, 8, 9]);
});
