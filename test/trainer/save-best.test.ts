import { access, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runFiles } from '../../src/run/run-folder.js';
import { openCheckpoint } from '../../src/trainer/checkpoint.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 4, test: 2 });

/** A learning rate that ruins the policy at once. How its loss jumps then depends on the processor's last bits. */
const RUIN = ['learning_rate=0.3', 'max_steps=9', 'save_steps=2', 'save_total_limit=1'].map((set) => `training.${set}`);

/** Step of the best checkpoint: that which stood before the save with the lowest loss, smoothed as for the signs of ruin. */
async function bestByLoss(metrics: string): Promise<number> {
  const losses = (await readLines(metrics)).map(({ loss }) => loss!);
  const smoothed = (step: number) => {
    const weights = losses.slice(0, step).map((_, index) => 0.95 ** (step - 1 - index));
    const sum = weights.reduce((total, weight, index) => total + weight * losses[index]!, 0);
    return sum / weights.reduce((total, weight) => total + weight, 0);
  };
  const judged = [4, 6, 8, 9].map((step) => ({ step, loss: smoothed(step) }));
  const lowest = judged.reduce((best, next) => (next.loss < best.loss ? next : best));
  return lowest.step === 9 ? 8 : lowest.step - 2;
}

const bestOf = async (file: string) => JSON.parse(await readFile(file, 'utf8'));

/** Trains until `stopAt`, and then goes on in another process's place. */
async function inTwo({ name, set, stopAt }: { name: string; set: string[]; stopAt: number }) {
  const controller = new AbortController();
  const onStep = (step: number) => void (step === stopAt && controller.abort());
  const first = await trainHere({ project, name, set, signal: controller.signal, onStep });
  expect(await first.end).toBe('interrupted');
  const second = await trainHere({ project, name, set, resume: true });
  expect(await second.end).toBe('done');
  return second;
}

/** What a run leaves, but for its times. */
async function outcome({ checkpoints, best }: { checkpoints: string; best: string }) {
  const names = (await readdir(checkpoints)).sort();
  const manifest = await readFile(join(checkpoints, names.at(-1)!, 'manifest.json'), 'utf8');
  return { names, manifest, best: await bestOf(best) };
}

describe('save_best', () => {
  it('keeps the checkpoint that was best by the training loss, outside of the limit, and tells the ruin', async () => {
    const { end, files, warnings } = await trainHere({ project, name: 'ruined', set: RUIN });
    expect(await end).toBe('done');
    const step = await bestByLoss(files.metrics);
    expect(await readdir(files.checkpoints)).toEqual([`step-00000${step}`, 'step-000009']);
    expect(await bestOf(files.best)).toMatchObject({
      step,
      checkpoint: `checkpoints/step-00000${step}`,
      by: 'training',
    });
    await openCheckpoint(join(files.checkpoints, `step-00000${step}`));
    expect(warnings).toEqual([
      expect.stringMatching(/^step \d: the loss has risen from 6\.6\d to .*\(now 0\.3\)$/),
      expect.stringMatching(/^the run ends with a ruined policy: its reward is -1\d/),
    ]);
  });

  it.each([3, 4])('is exact over an interruption after step %d', async (stopAt) => {
    const { files } = await inTwo({ name: `in-two-${stopAt}`, set: RUIN, stopAt });
    expect(await outcome(files)).toEqual(await outcome(runFiles(join(project.folder, 'ruined'))));
  });

  it('can be switched off', async () => {
    const { end, files } = await trainHere({ project, name: 'off', set: [...RUIN, 'training.save_best=false'] });
    expect(await end).toBe('done');
    expect(await readdir(files.checkpoints)).toEqual(['step-000009']);
    await expect(access(files.best)).rejects.toThrow('ENOENT');
  });

  it('tells a best checkpoint that somebody has removed, and finds another', async () => {
    const set = RUIN.map((option) => option.replace('max_steps=9', 'max_steps=6'));
    const { end, files } = await trainHere({ project, name: 'removed', set });
    expect(await end).toBe('done');
    const { step } = await bestOf(files.best);
    await rm(join(files.checkpoints, `step-00000${step}`), { recursive: true });
    const again = await trainHere({ project, name: 'removed', set: RUIN, resume: true });
    expect(await again.end).toBe('done');
    expect(again.warnings).toContain(`the best checkpoint so far, that of step ${step}, is not there any more`);
    expect((await bestOf(files.best)).step).toBeGreaterThanOrEqual(6);
  });
});

describe('save_best with held-out data', () => {
  // An evaluation falls between two saves.
  const SET = ['eval_steps=3', 'save_steps=4', 'save_total_limit=1', 'max_steps=13', 'learning_rate=0.01'];
  const EVALUATED = SET.map((set) => `training.${set}`);

  it('keeps the checkpoint of the highest held-out reward, and is exact over an interruption', async () => {
    const whole = await trainHere({ project, name: 'evaluated', set: EVALUATED });
    expect(await whole.end).toBe('done');
    const records = await readLines(whole.files.evaluations);
    const highest = Math.max(...records.map(({ reward }) => reward!));
    const { step } = records.find(({ reward }) => reward === highest)!;
    expect(await bestOf(whole.files.best)).toMatchObject({ step, reward: highest, by: 'held-out' });
    expect(await readdir(whole.files.checkpoints)).toContain(`step-${String(step).padStart(6, '0')}`);
    const { files } = await inTwo({ name: 'evaluated-in-two', set: EVALUATED, stopAt: 9 });
    expect(await outcome(files)).toEqual(await outcome(whole.files));
  });
});
