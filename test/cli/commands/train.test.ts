import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command } from '../../../src/cli/commands/train.js';
import { randomAdapter } from '../../policy/adapter/random-adapter.js';
import { tinyProject } from '../../tiny-project.js';
import { runCommand } from './run.js';

const project = await tinyProject({ train: 3, test: 2 });
const plan = (...set: string[]) =>
  runCommand(command, ['train', project.config, '--dry-run', ...set.flatMap((option) => ['--set', option])]);

describe('train --dry-run', () => {
  it('says what would be run, and runs nothing', async () => {
    const { stdout } = await plan('method=grpo');
    expect(stdout).toMatch(/^run +tiny \(grpo\)/);
    expect(stdout).toMatch(/\nsteps +6 of 2 prompts: 1\.33 epochs\n/);
    expect(stdout).toMatch(/\ntraining samples +3 qa \(33 %\), 3 tag \(33 %\), 3 cls \(33 %\)\n/);
    expect(stdout).toMatch(/\ntime +about [\d.]+ (s|min) a step, [\d.]+ (s|min|h) in all; evaluations not counted\n/);
    expect(stdout).toMatch(/\nheld-out samples +2 qa, 2 tag, 2 cls\n/);
    expect(stdout).toMatch(/\nprompt +\d+ to \d+ tokens, \d+ on average\n/);
    expect(stdout).toMatch(/\ncompletion +4 a prompt, of at most 16 tokens\n/);
    expect(stdout).toMatch(/\nweights +0\.561 M, of which 0\.561 M are trained\n/);
    expect(stdout).toMatch(/\n {2}reference weights +2\.14 MiB\n/);
    expect(stdout).toMatch(/\nmemory +about [\d.]+ [MG]iB, of [\d.]+ [MG]iB here\n/);
    // TensorFlow and Node alone take more than a hundred.
    expect(stdout).toMatch(/\n {2}TensorFlow and Node +\d{3,} MiB\n/);
    await expect(access(join(project.folder, 'run'))).rejects.toThrow('ENOENT');
  });

  it('knows what adapters and SFT change', async () => {
    const { stdout } = await plan('model.lora.r=2', 'model.freeze_vision=true');
    expect(stdout).toMatch(/\nweights .* of which 0\.00819 M are trained\n/);
    expect(stdout).toMatch(/\ncompletion +at most \d tokens\n/);
    expect(stdout).not.toContain('reference');
  });

  it('tells of a reward that none of the samples can earn, where rewards are learned from', async () => {
    const idle = /warning: the reward temporal_iou is for none of the tasks of the training samples \(cls\)\n/;
    expect((await plan('method=grpo', 'data.train.0.task=cls')).stderr).toMatch(idle);
    expect((await plan('data.train.0.task=cls')).stderr).not.toContain('temporal_iou');
    expect((await plan('method=grpo')).stderr).not.toContain('temporal_iou');
  });

  it('says that the adapter to start from cannot be trained further, before the run would', async () => {
    const adapter = await randomAdapter({ model: project.model, r: 2, target_modules: ['q_proj', 'embed_tokens'] });
    const set = ['model.lora.r=2', 'model.freeze_vision=true', `model.adapter=${adapter}`];
    await expect(plan(...set)).rejects.toThrow(
      /cannot be trained further: it has factors of model\.embed_tokens.*vau-rft merge/,
    );
  });

  it('looks at how long videos are, and leaves out what goes beyond', async () => {
    const segment = (start: number, end: number) => ({ video: 'train-00000.mp4', task: 'tag', segment: [start, end] });
    const annotations = join(project.folder, 'late.jsonl');
    const lines = [segment(1, 2), segment(1, 20), segment(2000, 4000)];
    await writeFile(annotations, lines.map((line) => JSON.stringify(line)).join('\n'));
    const set = [`data.train.0.annotations=${annotations}`];
    const { stdout, stderr } = await plan(...set);
    expect(stdout).toMatch(/\ntraining samples +1 tag\n/);
    expect(stdout).toMatch(/\n {2}of training +of 3 looked at, 2 samples left out: the segment ends after the video/);
    expect(stderr).toMatch(/warning: left out: late\.jsonl:3:tag: .* are its times milliseconds\?/);
    expect((await plan(...set, 'data.past_the_end=tell')).stdout).toMatch(/\ntraining samples +3 tag\n/);
    await writeFile(annotations, JSON.stringify(segment(1, 20)));
    await expect(plan(...set)).rejects.toMatchObject({ code: 'DATA_NOTHING_READABLE' });
  });

  it('refuses what cannot fit before it is made', async () => {
    const huge = plan('method=grpo', 'training.prompts_per_step=65536', 'rollout.num_generations=4096');
    await expect(huge).rejects.toMatchObject({ code: 'MEMORY_TOO_SMALL' });
  });

  it('reports a video that cannot be read once, though three samples ask about it', async () => {
    await writeFile(join(project.videos, 'train-00001.mp4'), 'no video');
    const { stderr } = await plan();
    expect(stderr.match(/warning: left out: .*train-00001\.mp4/g)).toHaveLength(1);
  });
});
