import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runFiles } from '../../src/run/run-folder.js';
import { oracle } from '../rewards/toy/oracle.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

/** The lines that a new reward is added by. */
vi.mock('../../src/rewards/registry.js', async (original) => {
  const { REWARDS } = await original<typeof import('../../src/rewards/registry.js')>();
  const { oracleReward } = await import('../rewards/toy/oracle.js');
  return { REWARDS: [...REWARDS, oracleReward] };
});
vi.mock('../../src/config/rewards.js', async (original) => {
  const { rewardSchema, ...config } = await original<typeof import('../../src/config/rewards.js')>();
  const { oracleOptions } = await import('../rewards/toy/oracle.js');
  const { z } = await import('zod');
  return { ...config, rewardSchema: z.discriminatedUnion('name', [...rewardSchema.options, oracleOptions]) };
});

const project = await tinyProject({ train: 4, test: 2 });

const REWARDS = 'rewards=[{name: format}, {name: oracle, weight: 2, height: 3}]';
const training = (options: Record<string, unknown>) =>
  Object.entries(options).map(([name, value]) => `training.${name}=${value}`);
const GRPO = [
  'method=grpo',
  REWARDS,
  'rollout.num_generations=4',
  'grpo.beta=0.01',
  ...training({ max_steps: 4, save_steps: 1, save_total_limit: 9, prompts_per_step: 2, learning_rate: 1e-4 }),
];

/** A score that another time is another. */
let luck = 0;
const byLuck = () => ({ score: (luck++ * 7919) % 101 });

beforeEach(() => Object.assign(oracle, { answer: byLuck, groups: 0, isSilent: false }));

const train = (name: string, more: Partial<Parameters<typeof trainHere>[0]> = {}) =>
  trainHere({ project, name, ...more, set: [...GRPO, ...(more.set ?? [])] });

interface Line {
  step: number;
  sample_id: string;
  generation: number;
  rewards: Record<string, number | null>;
  reward: number | null;
  advantage: number | null;
  failed?: Record<string, string>;
}
/** Groups of verdicts: four completions of a prompt, or one held-out answer. */
const groupsIn = (verdicts: { held_out?: unknown }[]) =>
  verdicts.reduce((sum, { held_out }) => sum + (held_out === undefined ? 1 / 4 : 1), 0);

const completionsOf = async (file: string) => (await readLines(file)) as unknown as Line[];

/** The manifest names the digest of every weight and moment. */
const manifestOf = (checkpoints: string, step: number) =>
  readFile(join(checkpoints, `step-00000${step}`, 'manifest.json'), 'utf8');

/** Metrics but for times and memory. */
async function numbersOf(file: string) {
  return (await readLines(file)).map((line) =>
    Object.fromEntries(Object.entries(line).filter(([name]) => !/^(time|memory)\//.test(name))),
  );
}

/** What a run leaves, but for its times. */
async function outcome(name: string, steps: number) {
  const files = runFiles(join(project.folder, name));
  return {
    metrics: await numbersOf(files.metrics),
    completions: await readFile(files.completions, 'utf8'),
    verdicts: await readFile(files.verdicts, 'utf8'),
    manifest: await manifestOf(files.checkpoints, steps),
  };
}

/** As if the process had been killed right after it had written what belongs to its last step. */
async function killedAfter({ name, from, checkpoint }: { name: string; from: string; checkpoint: number }) {
  const folder = join(project.folder, name);
  await cp(join(project.folder, from), folder, { recursive: true });
  const files = runFiles(folder);
  for (const step of await readdir(files.checkpoints))
    if (Number(step.slice(5)) > checkpoint) await rm(join(files.checkpoints, step), { recursive: true });
  await rm(files.finished);
  await rm(files.best, { force: true });
  // Its output folder is another now.
  const config = await readFile(files.config, 'utf8');
  await writeFile(files.config, config.replaceAll(join(project.folder, from), folder));
  return files;
}

describe('a reward that asks somebody', () => {
  it('has its options, its weight, and its verdicts written down', async () => {
    oracle.answer = ({ generation, height }) => ({ score: generation * height });
    const { end, files } = await train('asked');
    expect(await end).toBe('done');
    const lines = await completionsOf(files.completions);
    const asked = lines.filter(({ rewards }) => rewards.oracle !== null);
    expect(asked.length).toBeGreaterThan(0);
    for (const { generation, rewards, reward } of asked) {
      expect(rewards.oracle).toBe(3 * generation);
      expect(reward).toBe(rewards.format! + 2 * rewards.oracle!);
    }
    const verdicts = await readLines(files.verdicts);
    expect(verdicts.filter(({ held_out }) => held_out === undefined)).toHaveLength(asked.length);
    expect(oracle.groups).toBe(groupsIn(verdicts));
    expect(oracle.open).toBe(0);
  });

  it.each([0, 1, 3])(
    'is not asked again of what it had judged when the run was killed (checkpoint %d)',
    async (checkpoint) => {
      const whole = `whole-${checkpoint}`;
      await (await train(whole)).end;
      const files = await killedAfter({ name: `killed-${checkpoint}`, from: whole, checkpoint });
      // The last line was torn, and belongs to no step that is made again without it.
      await writeFile(files.verdicts, `${await readFile(files.verdicts, 'utf8')}{"step":4,"sample`);
      oracle.groups = 0;
      const { end } = await train(`killed-${checkpoint}`, { resume: true });
      expect(await end).toBe('done');
      expect(oracle.groups).toBe(0);
      expect(await outcome(`killed-${checkpoint}`, 4)).toEqual(await outcome(whole, 4));
    },
  );

  it('is asked about a text that it has not judged', async () => {
    await (await train('judged')).end;
    const files = await killedAfter({ name: 'forged', from: 'judged', checkpoint: 2 });
    const lines = (await readFile(files.verdicts, 'utf8')).split('\n').slice(0, -1);
    const forged = lines.map((line) => line.replace(/"text_sha256":"../, '"text_sha256":"zz'));
    await writeFile(files.verdicts, `${forged.join('\n')}\n`);
    oracle.groups = 0;
    await (await train('forged', { resume: true })).end;
    expect(oracle.groups).toBe(groupsIn(lines.map((line) => JSON.parse(line)).filter(({ step }) => step > 2)));
  });

  it('ends a run that is stopped while it is silent, with all steps saved that were whole', async () => {
    const controller = new AbortController();
    const set = training({ save_steps: 100 });
    const onStep = (step: number) => {
      if (step !== 2) return;
      oracle.isSilent = true;
      setTimeout(() => controller.abort(), 1500);
    };
    const first = await train('stopped', { set, signal: controller.signal, onStep });
    expect(await first.end).toBe('interrupted');
    expect(await readdir(first.files.checkpoints)).toEqual(['step-000002']);
    expect(oracle.open).toBe(0);
    oracle.isSilent = false;
    const second = await train('stopped', { set, resume: true });
    expect(await second.end).toBe('done');
    expect((await readLines(second.files.metrics)).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });
});

describe('a reward that cannot say', () => {
  it('for some completions: these are not learned from, and told', async () => {
    oracle.answer = ({ generation }) => (generation === 1 ? { failed: 'no answer' } : { score: generation });
    const { end, files, warnings } = await train('some');
    expect(await end).toBe('done');
    const lines = await completionsOf(files.completions);
    const failed = lines.filter((line) => line.failed !== undefined);
    expect(failed.length).toBeGreaterThan(0);
    for (const { generation, reward, advantage, rewards, failed: why } of failed) {
      expect([generation, reward, advantage, rewards.oracle, why]).toEqual([
        1,
        null,
        null,
        null,
        { oracle: 'no answer' },
      ]);
      expect(rewards.format).not.toBeNull();
    }
    const of = (step: number) => lines.filter((line) => line.step === step);
    for (const metrics of await readLines(files.metrics)) {
      const known = of(metrics.step!).filter(({ reward }) => reward !== null);
      expect(metrics.reward).toBeCloseTo(known.reduce((sum, { reward }) => sum + reward!, 0) / known.length, 10);
      const count = of(metrics.step!).length - known.length;
      expect(metrics['rewards/oracle/failed'] ?? 0).toBe(count);
      if (count > 0)
        expect(warnings).toContain(
          `step ${metrics.step}: the reward oracle failed for ${count} of 8 completions (no answer)`,
        );
    }
    const advantages = lines.slice(0, 4).flatMap(({ advantage }) => advantage ?? []);
    expect(advantages.reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 10);
  });

  it('for a whole group: the other goes on', async () => {
    let first: string | undefined;
    oracle.answer = ({ group, generation }) => {
      first ??= group[0]!.sample.id;
      return group[0]!.sample.id === first ? { failed: 'no answer' } : { score: generation };
    };
    const { end, files } = await train('group');
    expect(await end).toBe('done');
    const lines = await completionsOf(files.completions);
    const own = lines.filter(({ sample_id }) => sample_id === first);
    expect(own.length).toBeGreaterThan(0);
    expect(own.every(({ advantage }) => advantage === null)).toBe(true);
    for (const metrics of await readLines(files.metrics)) expect(metrics.loss).not.toBeNull();
  });

  it('for a whole step: the step is not applied, and the next one is as if it had not been', async () => {
    const set = ['rewards=[{name: format, weight: 0}, {name: oracle}]', 'data.train.0.task=tag'];
    oracle.answer = ({ generation }) => (oracle.groups <= 2 ? { failed: 'no answer' } : { score: generation });
    const { end, files, warnings } = await train('step', { set });
    expect(await end).toBe('done');
    const [first, second] = await readLines(files.metrics);
    expect(first).toMatchObject({ loss: null, reward: null, grad_norm: null, 'rewards/oracle/failed': 8 });
    expect(second!.grad_norm).toBeGreaterThan(0);
    expect(warnings).toContain('step 1: the reward of no completion is known; the step was not applied');
    expect(await readdir(files.checkpoints)).toEqual(['step-000002', 'step-000003', 'step-000004']);
    const state = JSON.parse(await readFile(join(files.checkpoints, 'step-000004', 'state.json'), 'utf8'));
    expect(state.optimizer_step).toBe(3);
  });

  it('for several steps in a row: the run ends, and goes on where it left off when somebody answers', async () => {
    const set = ['rewards=[{name: oracle}]', 'data.train.0.task=tag', ...training({ max_bad_steps: 2 })];
    oracle.answer = () => (oracle.groups > 4 ? { failed: 'no answer' } : byLuck());
    const { end, files } = await train('silent', { set });
    await expect(end).rejects.toMatchObject({ code: 'RUN_NO_SCORES', message: expect.stringContaining('no answer') });
    expect(await readdir(files.checkpoints)).toEqual(['step-000001', 'step-000002']);
    oracle.answer = byLuck;
    const again = await train('silent', { set, resume: true });
    expect(await again.end).toBe('done');
    expect((await readLines(files.metrics)).every(({ reward }) => reward !== null)).toBe(true);
  });

  it('in two processes: the weights of one, and every decision alike', async () => {
    const hash = (text: string) => [...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1009, 7);
    oracle.answer = ({ group, generation }) => {
      const value = hash(group[generation]!.text);
      return value % 3 === 0 ? { failed: 'no answer' } : { score: value };
    };
    const one = await train('one');
    await one.end;
    const two = await train('two', { members: [{}, {}] });
    expect(await Promise.all(two.ends)).toEqual(['done', 'done']);
    const [ours, theirs] = [await completionsOf(two.files.completions), await completionsOf(one.files.completions)];
    expect(ours.slice(0, 8)).toEqual(theirs.slice(0, 8));
    expect((await readLines(two.files.verdicts)).length).toBe((await readLines(one.files.verdicts)).length);
    for (const [i, metrics] of (await readLines(two.files.metrics)).entries())
      expect(metrics.reward).toBeCloseTo((await readLines(one.files.metrics))[i]!.reward!, 2);
  });
});

it('a reward that gives no verdicts ends the run, and says whose fault it is', async () => {
  oracle.answer = () => ({ score: Number.NaN });
  const { end } = await train('broken');
  await expect(end).rejects.toMatchObject({
    code: 'REWARD_BROKEN',
    message: expect.stringMatching(/oracle gave \{"score":null\}/),
  });
  expect(oracle.open).toBe(0);
});

it('what was opened is closed when the run cannot be opened', async () => {
  const { end } = await train('no-model', { set: ['model.path=nowhere'] });
  await expect(end).rejects.toMatchObject({ code: expect.stringMatching(/^MODEL_/) });
  expect(oracle.open).toBe(0);
});
