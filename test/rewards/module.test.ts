import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rewardSchema } from '../../src/config/rewards.js';
import { Rewards } from '../../src/rewards/rewards.js';
import { Interrupted } from '../../src/system/interrupted.js';
import { packageFile } from '../../src/system/package-file.js';
import { anomalySample, grounding, qaSample } from './samples.js';

const folder = await mkdtemp(join(tmpdir(), 'vau-rft-module-'));
afterAll(() => rm(folder, { recursive: true }));

const rollout = { max_completion_length: 100, num_generations: 8 };

/** Opens the reward of a module with this text. */
async function open(name: string, text: string, options: object = {}, signal?: AbortSignal) {
  const path = join(folder, name);
  await writeFile(path, text);
  const term = rewardSchema.parse({ name: 'module', path, ...options });
  return Rewards.open({ terms: [term], rollout, signal });
}

const group = (...texts: string[]) =>
  texts.map((text) => ({ text, sample: qaSample, style: 'direct' as const, classes: [], tokens: 3 }));

describe('a reward of the user’s own', () => {
  it('is TypeScript, may wait, and imports what stands beside it; its name is that of the file', async () => {
    await writeFile(join(folder, 'beside.ts'), 'export const long = (text: string): boolean => text.length > 3;\n');
    const rewards = await open(
      'likes-length.ts',
      `import type { RewardFunction } from 'vau-rft/reward';
       import { long } from './beside';
       enum Height { Low = 0.25, High = 2 }
       const score: RewardFunction = async (group) => {
         await new Promise((resolve) => setTimeout(resolve, 5));
         return group.map(({ text, sample, tokens }) => (text === '' ? null : long(text) ? Height.High : Height.Low * tokens!));
       };
       export default score;`,
      { weight: 2 },
    );
    const scores = await rewards.scoreGroup(group('four', 'two', ''));
    expect(scores).toEqual([
      { rewards: { 'likes-length': 2 }, reward: 4 },
      { rewards: { 'likes-length': 0.75 }, reward: 1.5 },
      { rewards: { 'likes-length': null }, reward: 0 },
    ]);
    expect(rewards.isPure).toBe(false);
    await rewards.close();
  });

  it.each([
    ['throws.js', 'export default () => { throw new Error("no luck"); }', 'it threw: no luck'],
    ['rejects.mjs', 'export default async () => { throw "odd"; }', 'it threw: odd'],
    ['short.js', 'export default () => [1]', 'it returned 1 scores for 2 completions'],
    ['no-list.js', 'export default () => 7', 'it returned 7, not a list'],
    ['leaves.js', 'export default () => process.exit(1)', 'it left its thread'],
    ['unclonable.js', 'export default () => [() => 1, 2]', /could not be cloned/],
  ])('%s: a verdict that has failed, of all of the group', async (name, text, why) => {
    const rewards = await open(name, text, { as: 'mine' });
    const scores = await rewards.scoreGroup(group('a', 'b'));
    for (const { reward, failed } of scores) {
      expect(reward).toBeNull();
      expect(failed!.mine).toMatch(why);
    }
    await rewards.close();
  });

  it('names the completion that got no score', async () => {
    const rewards = await open('odd.cjs', 'module.exports = () => [1, NaN, "2", undefined, null]', { as: 'mine' });
    const scores = await rewards.scoreGroup(group('a', 'b', 'c', 'd', 'e'));
    expect(scores.map(({ reward }) => reward)).toEqual([1, null, null, null, 0]);
    expect(scores.map(({ failed }) => failed?.mine)).toEqual([
      undefined,
      'it returned NaN for completion 1, neither a finite number nor null',
      'it returned "2" for completion 2, neither a finite number nor null',
      'it returned undefined for completion 3, neither a finite number nor null',
      undefined,
    ]);
    await rewards.close();
  });

  it('that hangs, even in a loop, is stopped and started anew', async () => {
    const rewards = await open(
      'hangs.js',
      'export default (group) => { if (group[0].text === "hang") for (;;); return group.map(() => 1); }',
      { as: 'mine', timeout_s: 1 },
    );
    const [hung, other] = await Promise.all([rewards.scoreGroup(group('hang')), rewards.scoreGroup(group('wait'))]);
    expect(hung[0]!.failed!.mine).toBe('it took longer than 1 s');
    expect(other[0]!.reward).toBe(1);
    expect((await rewards.scoreGroup(group('fine')))[0]!.reward).toBe(1);
    await rewards.close();
  });

  it('is left where somebody wants to stop', async () => {
    const stop = new AbortController();
    const rewards = await open('waits.js', 'export default () => new Promise(() => {})', {}, stop.signal);
    const asked = rewards.scoreGroup(group('a'));
    setTimeout(() => stop.abort(), 50);
    await expect(asked).rejects.toBeInstanceOf(Interrupted);
    await rewards.close();
  });

  it.each([
    ['nothing.js', 'export const score = 1', /default export is not a function/],
    ['broken.ts', 'export default (', /broken\.ts/],
    ['lost.ts', 'import "./nowhere.js"; export default () => []', /nowhere/],
  ])('%s cannot be used, which is told at once', async (name, text, why) => {
    await expect(open(name, text)).rejects.toMatchObject({
      code: 'REWARD_MODULE',
      message: expect.stringMatching(why),
    });
  });

  it('that is not there is told at once', async () => {
    const terms = [rewardSchema.parse({ name: 'module', path: join(folder, 'gone.ts') })];
    await expect(Rewards.open({ terms, rollout })).rejects.toMatchObject({
      code: 'REWARD_MODULE',
      message: expect.stringContaining('there is no such file'),
    });
  });

  it('the example that comes with the package works', async () => {
    const terms = [
      rewardSchema.parse({ name: 'module', path: packageFile('configs/examples/my-reward.ts'), as: 'names_times' }),
    ];
    const rewards = await Rewards.open({ terms, rollout });
    const text = grounding('Anomaly', '[5, 10]');
    const inputs = [`${text} at 7 s`, `${text} at 7.5 seconds, at 99 s`, text].map((one) => ({
      text: one,
      sample: anomalySample,
      style: 'think' as const,
      classes: [],
    }));
    expect((await rewards.scoreGroup(inputs)).map(({ reward }) => reward)).toEqual([1, 0.5, 0]);
    await rewards.close();
  });
});
