import { describe, expect, it } from 'vitest';
import { rewardSchema } from '../../src/config/rewards.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import type { Sample } from '../../src/dataset/sample.js';
import type { PolicyAsker, PolicyQuestion } from '../../src/rewards/policy-asker.js';
import { Rewards } from '../../src/rewards/rewards.js';
import type { Frames } from '../../src/video/frames.js';
import { anomalySample, answering, grounding, qaSample } from './samples.js';

/** Eight frames of one pixel, a second apart. */
const frames: Frames = {
  data: Uint8Array.from({ length: 24 }, (_, i) => Math.floor(i / 3)),
  count: 8,
  height: 1,
  width: 1,
  times: [0, 1, 2, 3, 4, 5, 6, 7],
  duration: 8,
  incomplete: false,
  warnings: [],
};
const shownBy = ({ change }: PolicyQuestion) => {
  const changed = change(frames);
  return (
    changed && { frames: Array.from({ length: changed.count }, (_, i) => changed.data[3 * i]), times: changed.times }
  );
};

async function scoresOf(args: {
  name: 'anomaly_verification' | 'temporal_contrast';
  sample: Sample;
  texts: string[];
  policy?: PolicyAsker;
  options?: object;
}) {
  const { name, sample, texts, policy, options } = args;
  const terms = [rewardSchema.parse({ name, ...options })];
  const rewards = await Rewards.open({ terms, rollout: { max_completion_length: 100, num_generations: 8 } });
  const inputs = texts.map((text) => ({ text, sample, style: 'think' as const, classes }));
  return (await rewards.scoreGroup(inputs, { policy })).map((scores) => scores.rewards[name]);
}

const NORMAL = grounding('Normal', '[-1, -1]');
const ANOMALY = grounding('Anomaly', '[0, 1]');

describe('anomaly_verification', () => {
  const texts = [
    grounding('Anomaly', '[2, 5]'),
    NORMAL,
    'nothing',
    grounding('Anomaly', '[2.0, 5.0]'),
    grounding('Anomaly', '[0, 9]'),
  ];

  it('asks once about each segment that is cut out, and about a normal video without an end', async () => {
    const asked: PolicyQuestion[] = [];
    await scoresOf({
      name: 'anomaly_verification',
      sample: anomalySample,
      texts,
      policy: async (questions) => {
        asked.push(...questions);
        return questions.map(() => [NORMAL]);
      },
    });
    expect(asked.map(({ count, greedy }) => [count, greedy])).toEqual([1, 1, 1].map((count) => [count, true]));
    const [cut, trimmed, nothing] = asked.map(shownBy);
    expect(cut).toEqual({ frames: [0, 1, 5, 6, 7], times: [0, 1, 2, 3, 4] });
    // A quarter, from one of the ends.
    expect([
      [0, 1, 2, 3, 4, 5],
      [2, 3, 4, 5, 6, 7],
    ]).toContainEqual(trimmed!.frames);
    expect(trimmed!.times).toEqual([0, 1, 2, 3, 4, 5]);
    expect(nothing).toBeNull();
  });

  it.each([
    { what: 'normal without it, and normal all the same', answer: NORMAL, expected: [0.5, 0, 0, 0.5, null] },
    { what: 'abnormal without it, and without an end', answer: ANOMALY, expected: [0, -0.2, 0, 0, null] },
    { what: 'an answer that cannot be read', answer: '…', expected: [0, 0, 0, 0, null] },
  ])('$what', async ({ answer, expected }) => {
    const policy: PolicyAsker = async (questions) => questions.map((question) => (shownBy(question) ? [answer] : null));
    expect(await scoresOf({ name: 'anomaly_verification', sample: anomalySample, texts, policy })).toEqual(expected);
  });

  it('has heights of its own', async () => {
    const policy: PolicyAsker = async (questions) => questions.map(() => [NORMAL]);
    const options = { bonus: 2, penalty: -1 };
    expect((await scoresOf({ name: 'anomaly_verification', sample: anomalySample, texts, policy, options }))[0]).toBe(
      2,
    );
  });

  it('says nothing of pictures, and where nobody can be asked', async () => {
    const picture: Sample = { ...anomalySample, visuals: [{ kind: 'image', file: '/a.png' }] };
    const policy: PolicyAsker = () => expect.unreachable();
    expect(await scoresOf({ name: 'anomaly_verification', sample: picture, texts, policy })).toEqual(
      texts.map(() => null),
    );
    expect(await scoresOf({ name: 'anomaly_verification', sample: anomalySample, texts })).toEqual(
      texts.map(() => null),
    );
  });
});

describe('temporal_contrast', () => {
  const [RIGHT, WRONG] = [answering('B'), answering('C')];
  /** `right` of the shuffled answers are right. */
  const shuffledRight =
    (right: number): PolicyAsker =>
    async (questions) =>
      questions.map(({ count }) => Array.from({ length: count }, (_, i) => (i < right ? RIGHT : WRONG)));

  it('shows the same frames in another order, to half as many', async () => {
    let asked: PolicyQuestion | undefined;
    const policy: PolicyAsker = async ([question]) => {
      asked = question!;
      return [[]];
    };
    await scoresOf({ name: 'temporal_contrast', sample: qaSample, texts: [RIGHT, WRONG], policy });
    expect([asked!.count, asked!.greedy]).toEqual([4, false]);
    const shown = shownBy(asked!)!;
    expect(shown.times).toEqual(frames.times);
    expect(shown.frames).not.toEqual(frames.times);
    expect([...shown.frames].sort()).toEqual(frames.times);
  });

  it.each([
    // Half are right in order; T-GRPO wants at least 0.8 times as many as shuffled.
    { shuffled: 0, expected: [1, 1, 0, 0] },
    { shuffled: 2, expected: [1, 1, 0, 0] },
    { shuffled: 3, expected: [0, 0, 0, 0] },
    { shuffled: 4, expected: [0, 0, 0, 0] },
  ])('$shuffled of 4 right when shuffled: $expected', async ({ shuffled, expected }) => {
    const texts = [RIGHT, RIGHT, WRONG, 'nothing'];
    const policy = shuffledRight(shuffled);
    expect(await scoresOf({ name: 'temporal_contrast', sample: qaSample, texts, policy })).toEqual(expected);
  });

  it('has a threshold of its own', async () => {
    const texts = [RIGHT, RIGHT, WRONG, WRONG];
    const options = { threshold: 0.5, num_generations: 2 };
    expect(
      await scoresOf({ name: 'temporal_contrast', sample: qaSample, texts, policy: shuffledRight(2), options }),
    ).toEqual([1, 1, 0, 0]);
  });
});
