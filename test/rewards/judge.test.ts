import { expect, onTestFinished, test } from 'vitest';
import { judge as judgeSchema } from '../../src/config/judge-options.js';
import type { RewardInput } from '../../src/rewards/reward.js';
import { Rewards } from '../../src/rewards/rewards.js';
import { Interrupted } from '../../src/system/interrupted.js';
import { folderWith } from '../folder.js';
import { type Act, failing, grades, hanging, saying, scriptedServer } from '../judge/scripted-server.js';
import { answering, qaSample, reasoningSample } from './samples.js';

const terms = [{ name: 'judge', weight: 1 }] as const;
const rollout = { max_completion_length: 100, num_generations: 2 };

async function opened(acts: Act[], { options = {}, signal }: { options?: object; signal?: AbortSignal } = {}) {
  const { url, asked } = await scriptedServer(...acts);
  const judge = judgeSchema.parse({ base_url: url, model: 'm', cache: await folderWith({}), ...options });
  const said: string[] = [];
  const rewards = await Rewards.open({ terms, rollout, judge, signal, say: (message) => said.push(message) });
  onTestFinished(() => rewards.close());
  return { rewards, asked, said };
}

const group = (...texts: string[]): RewardInput[] =>
  texts.map((text) => ({ text, sample: reasoningSample, style: 'think', classes: [] }));

test('the total of VAU-Eval as a part of 1; what holds no answer is not sent, and earns nothing', async () => {
  const { rewards, asked, said } = await opened([saying(({ text }) => grades(text.includes('flames') ? 8 : 2))]);
  const scores = await rewards.scoreGroup(group(answering('High flames.'), answering('A dog.'), 'no tags'));
  expect(scores.map(({ reward }) => reward)).toEqual([0.8, 0.2, 0]);
  expect(asked).toHaveLength(2);
  expect(rewards.asksOthers).toBe(true);
  await rewards.close();
  expect(said).toEqual([expect.stringContaining('2 calls')]);
});

test('it is for descriptions alone', async () => {
  const { rewards, asked } = await opened([saying(grades(8))]);
  const [score] = await rewards.scoreGroup([{ text: answering('A'), sample: qaSample, style: 'think', classes: [] }]);
  expect(score).toMatchObject({ rewards: {} });
  expect(asked).toHaveLength(0);
});

test('a judge that fails for one completion has said nothing of it, and grades the others', async () => {
  const { rewards } = await opened([saying(({ text }) => (text.includes('dog') ? 'ten!' : grades(5)))]);
  const [fire, dog] = await rewards.scoreGroup(group(answering('A fire.'), answering('A dog.')));
  expect(fire!.reward).toBe(0.5);
  expect(dog).toMatchObject({ reward: null, failed: { judge: expect.stringContaining('form') } });
});

test.each([
  ['hangs', hanging],
  ['has no key for us', failing(401)],
])('one that %s stalls nothing', async (_, act) => {
  const { rewards } = await opened([act], { options: { step_deadline_s: 0.4 } });
  const began = performance.now();
  const scores = await rewards.scoreGroup(group(answering('A fire.'), answering('A dog.')));
  expect(scores.map(({ reward }) => reward)).toEqual([null, null]);
  expect(performance.now() - began).toBeLessThan(5000);
});

test('who stops the run does not wait for it', async () => {
  const stop = new AbortController();
  const { rewards } = await opened([hanging], { signal: stop.signal });
  const scores = rewards.scoreGroup(group(answering('A fire.')));
  setTimeout(() => stop.abort(), 100);
  await expect(scores).rejects.toThrow(Interrupted);
});

test('it has to be told whom to ask', async () => {
  await expect(Rewards.open({ terms, rollout })).rejects.toMatchObject({ code: 'REWARD_JUDGE' });
});
