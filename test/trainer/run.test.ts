import { access, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { activeBackend } from '../../src/tensor/active.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { openCheckpoint } from '../../src/trainer/checkpoint.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 4, test: 2 });

const { supportsBfloat16 } = await startRuntime({ report: () => {} });

const GRPO = ['method=grpo', 'training.save_steps=100'];

describe('run', () => {
  describe.each([
    ['full', true, []],
    ['bfloat16', supportsBfloat16, ['model.dtype=bfloat16', 'grpo.num_iterations=2', 'rollout.top_p=0.9']],
    ['lora', true, ['model.lora.r=2', 'model.freeze_vision=true', 'training.gradient_accumulation_steps=2']],
  ])('%s', (name, isSupported, set) => {
    it.skipIf(!isSupported)('keeps no tensor from step to step, and none at the end', async () => {
      const before = activeBackend().liveTensors();
      const steps = [
        'training.max_steps=14',
        'training.eval_on_start=true',
        'training.eval_steps=6',
        'training.learning_rate=1e-4',
      ];
      const { end, files } = await trainHere({ project, name, set: [...GRPO, ...steps, ...set] });
      expect(await end).toBe('done');
      const metrics = await readLines(files.metrics);
      // A frozen tower's output, the reference's with it, is kept by video: by step 6 each has been seen.
      const counts = metrics.slice(6).map((line) => line['memory/tensors']);
      expect(new Set(counts).size, counts.join()).toBe(1);
      expect(activeBackend().liveTensors()).toBe(before);
      expect((await readLines(files.evaluations)).map(({ step }) => step)).toEqual([0, 6, 12, 14]);
      expect(JSON.parse(await readFile(files.finished, 'utf8')).step).toBe(14);
    });
  });

  it('does not apply what is not finite, and stops with the last good checkpoint in place', async () => {
    const before = activeBackend().liveTensors();
    const rate = ['training.learning_rate=1000', 'training.weight_decay=1e6'];
    const set = [...rate, 'training.save_steps=1', 'training.max_bad_steps=3'];
    const { end, files, warnings } = await trainHere({ project, name: 'nan', set });
    await expect(end).rejects.toMatchObject({ code: 'RUN_NOT_FINITE' });
    await expect(end).rejects.toThrow(/3 steps in a row, the last of them step 5.*learning_rate \(now 1000\)/);
    expect((await readLines(files.metrics)).map(({ loss }) => loss === null)).toEqual([false, false, true, true, true]);
    expect(warnings.filter((text) => text.includes('not finite'))).toEqual(
      [3, 4, 5].map((step) => expect.stringContaining(`step ${step}: the loss is not finite`)),
    );
    expect(await readdir(files.checkpoints)).toEqual(['step-000001', 'step-000002']);
    await openCheckpoint(`${files.checkpoints}/step-000002`);
    expect(activeBackend().liveTensors()).toBe(before);
  });

  it('does not call a run done none of whose steps was applied', async () => {
    const model = join(project.folder, 'not-a-number');
    await cp(project.model, model, { recursive: true });
    const weights = await readFile(join(model, 'model.safetensors'));
    weights.writeFloatLE(Number.NaN, weights.length - 4);
    await writeFile(join(model, 'model.safetensors'), weights);
    const set = ['training.max_steps=1', `model.path=${model}`];
    const { end, files } = await trainHere({ project, name: 'none', set });
    await expect(end).rejects.toMatchObject({ code: 'RUN_NOT_FINITE' });
    await expect(end).rejects.toThrow(/^in none of the 1 steps was the loss finite/);
    expect((await readLines(files.metrics)).map(({ loss }) => loss)).toEqual([null]);
    await expect(access(files.finished)).rejects.toThrow('ENOENT');
    expect(await readdir(files.checkpoints)).toEqual([]);
  });

  it.each([
    ['grpo', 1],
    ['sft', 0],
  ])('tells at the start of %s of rewards that none of the samples can earn: %i times', async (method, times) => {
    const set = [`method=${method}`, 'training.max_steps=1', 'data.train.0.task=cls'];
    const { end, warnings } = await trainHere({ project, name: `idle-${method}`, set });
    expect(await end).toBe('done');
    expect(warnings.filter((text) => text.startsWith('the reward temporal_iou is for none'))).toHaveLength(times);
  });

  it('does not begin what cannot fit into the memory', async () => {
    const set = [...GRPO, 'training.prompts_per_step=65536', 'rollout.num_generations=4096'];
    const { end } = await trainHere({ project, name: 'huge', set });
    await expect(end).rejects.toMatchObject({ code: 'MEMORY_TOO_SMALL' });
  });

  it('finishes the step, saves and leaves when it is asked to', async () => {
    const controller = new AbortController();
    const onStep = (step: number) => step === 3 && controller.abort();
    const { end, files } = await trainHere({ project, name: 'stopped', set: GRPO, signal: controller.signal, onStep });
    expect(await end).toBe('interrupted');
    expect((await readLines(files.metrics)).map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(await readdir(files.checkpoints)).toEqual(['step-000003']);
    const { state } = await openCheckpoint(join(files.checkpoints, 'step-000003'));
    expect(state).toMatchObject({ step: 3, optimizer_step: 3 });
    await expect(access(files.finished)).rejects.toThrow('ENOENT');
  });

  it('makes no step, and has nothing to save, when it is asked to leave before the first', async () => {
    const signal = AbortSignal.abort();
    const { end, files } = await trainHere({ project, name: 'unstarted', set: GRPO, signal });
    expect(await end).toBe('interrupted');
    expect(await readFile(files.metrics, 'utf8')).toBe('');
    expect(await readdir(files.checkpoints)).toEqual([]);
  });
});
