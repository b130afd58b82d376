import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { command as logprobs } from '../../../src/cli/commands/logprobs.js';
import { command as merge } from '../../../src/cli/commands/merge.js';
import { randomAdapter } from '../../policy/adapter/random-adapter.js';
import { tinyProject, videoFlags } from '../../tiny-project.js';
import { trainHere } from '../../trainer/train-here.js';
import { runCommand } from './run.js';

const project = await tinyProject({ train: 3, test: 1 });
const adapter = join(project.folder, 'lora/checkpoints/step-000006');
const merged = join(project.folder, 'merged');
const video = ['--video', join(project.videos, 'test-00000.mp4'), ...videoFlags];
const words = ['--prompt', 'Which class?', '--completion', '<answer>Fire</answer>', '--dtype', 'float32'];

async function score(
  ...args: string[]
): Promise<Record<'logprobs' | 'completion_token_ids' | 'frame_times', number[]>> {
  const { stdout } = await runCommand(logprobs, ['logprobs', ...args, ...video, ...words, '--json']);
  return JSON.parse(stdout);
}

const largest = (a: number[], b: number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

beforeAll(async () => {
  const set = ['model.lora.r=4', 'model.freeze_vision=true', 'training.learning_rate=0.01'];
  const { end } = await trainHere({ project, name: 'lora', set });
  expect(await end).toBe('done');
});

describe('merge', () => {
  it('gives a model with the log-probs of its adapter', async () => {
    const { stdout } = await runCommand(merge, [
      ...['merge', '--model', project.model, '--adapter', adapter, '--output', merged],
    ]);
    expect(stdout).toBe(`${merged}\n`);
    expect((await readdir(merged)).sort()).toEqual((await readdir(project.model)).sort());
    const base = await score('--model', project.model);
    const adapted = await score('--model', project.model, '--adapter', adapter);
    const whole = await score('--model', merged);
    expect(base.logprobs).toHaveLength(base.completion_token_ids.length);
    expect(base.frame_times).toHaveLength(4);
    expect(largest(adapted.logprobs, whole.logprobs)).toBeLessThanOrEqual(1e-4);
    expect(largest(adapted.logprobs, base.logprobs)).toBeGreaterThan(0.1);
  });

  it('and `--adapter` take what an adapter has on the vision tower', async () => {
    const target_modules = ['q_proj', 'qkv', 'fc1'];
    const tower = await randomAdapter({ model: project.model, r: 2, target_modules });
    const output = join(project.folder, 'merged-tower');
    await runCommand(merge, ['merge', '--model', project.model, '--adapter', tower, '--output', output]);
    const adapted = await score('--model', project.model, '--adapter', tower);
    const whole = await score('--model', output);
    expect(largest(adapted.logprobs, whole.logprobs)).toBeLessThanOrEqual(1e-4);
    // The control: without the tower's part they are elsewhere.
    const decoder = await randomAdapter({ model: project.model, r: 2, target_modules: ['q_proj'] });
    const partly = await score('--model', project.model, '--adapter', decoder);
    expect(largest(adapted.logprobs, partly.logprobs)).toBeGreaterThan(0.01);
  });

  it('does not write over a folder, and leaves none behind when it fails', async () => {
    const output = join(project.folder, 'lora');
    const over = runCommand(merge, ['merge', '--model', project.model, '--adapter', adapter, '--output', output]);
    await expect(over).rejects.toMatchObject({ code: 'OUTPUT_EXISTS', exitCode: 2 });
    const failed = runCommand(merge, [
      ...['merge', '--model', project.model, '--adapter', project.model, '--output', join(project.folder, 'other')],
    ]);
    await expect(failed).rejects.toMatchObject({ code: 'MODEL_FILE_MISSING' });
    expect((await readdir(project.folder)).some((name) => name.startsWith('other'))).toBe(false);
  });
});
