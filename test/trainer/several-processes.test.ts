import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors, toFloat32 } from '../../src/model-folder/safetensors.js';
import { activeBackend } from '../../src/tensor/active.js';
import { openCheckpoint } from '../../src/trainer/checkpoint.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 4, test: 2 });

/** Steps of GRPO that learn: the model knows the form of an answer. */
let grpo: string[];
beforeAll(async () => {
  const { end, files } = await trainHere({
    project,
    name: 'form',
    set: ['training.max_steps=60', 'training.save_steps=60'],
  });
  await end;
  const start = join(files.checkpoints, 'step-000060');
  // A large ε: without it Adam makes steps of full size of gradients that are nothing but rounding.
  const training = ['max_steps=3', 'save_steps=1', 'prompts_per_step=4', 'learning_rate=1e-4', 'adam_epsilon=1e-3'];
  grpo = ['method=grpo', `model.path=${start}`, ...training.map((option) => `training.${option}`)];
}, 300_000);

/** All weights of a checkpoint, by name. */
async function weightsOf(folder: string): Promise<Map<string, Float32Array>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('model.safetensors'));
  const file = await openSafetensors(join(folder, names[0]!));
  const weights = new Map<string, Float32Array>();
  for (const name of file.entries.keys()) weights.set(name, toFloat32(await file.readTensor(name)));
  await file.close();
  return weights;
}

/** The largest relative difference of a weight. */
async function apart(a: string, b: string): Promise<number> {
  const [ours, theirs] = [await weightsOf(a), await weightsOf(b)];
  const norm = (values: Float32Array) => Math.hypot(...values);
  const each = [...theirs].map(([name, w]) => norm(w.map((x, i) => x - ours.get(name)![i]!)) / norm(w));
  return Math.max(...each);
}

const manifestOf = (checkpoints: string, step: number) =>
  readFile(join(checkpoints, `step-00000${step}`, 'manifest.json'), 'utf8');

describe.each([
  ['full', []],
  ['lora', ['model.lora.r=2', 'model.freeze_vision=true']],
])('two processes, %s', (kind, set) => {
  it.each(['grpo', 'dapo', 'dr_grpo'])('%s: the weights of one process, step for step', async (lossType) => {
    const before = activeBackend().liveTensors();
    const options = [...grpo, ...set, `grpo.loss_type=${lossType}`, 'grpo.scale_rewards=batch'];
    const train = (name: string, members?: object[]) =>
      trainHere({ project, name: `${kind}-${lossType}-${name}`, set: options, members });
    const one = await train('one');
    expect(await one.end).toBe('done');
    const two = await train('two', [{}, {}]);
    expect(await Promise.all(two.ends)).toEqual(['done', 'done']);
    for (const step of [1, 2, 3]) {
      const name = `step-00000${step}`;
      const difference = await apart(join(two.files.checkpoints, name), join(one.files.checkpoints, name));
      expect(difference, name).toBeLessThan(1e-6);
    }
    expect(await completionsOf(two.files.completions)).toEqual(await completionsOf(one.files.completions));
    const again = await train('again', [{}, {}]);
    await again.end;
    expect(await manifestOf(again.files.checkpoints, 3)).toBe(await manifestOf(two.files.checkpoints, 3));
    expect(activeBackend().liveTensors()).toBe(before);
  });
});

it('groups that are drawn again, and samples passed over, are those of one process', async () => {
  const curriculum = '{by: accuracy, min_success: 0.1, max_success: 0.9, again_after: 2}';
  const set = [...grpo, 'grpo.dynamic_sampling=true', 'grpo.loss_type=dapo', `data.curriculum=${curriculum}`];
  const train = (name: string, members?: object[]) => trainHere({ project, name: `drawn-${name}`, set, members });
  const one = await train('one');
  await one.end;
  const two = await train('two', [{}, {}]);
  await Promise.all(two.ends);
  expect(await completionsOf(two.files.completions)).toEqual(await completionsOf(one.files.completions));
  const passedOver = (await readLines(one.files.metrics)).map((line) => line['groups/passed_over']!);
  expect(Math.max(...passedOver)).toBeGreaterThan(0);
  const last = 'step-000003';
  expect(await apart(join(two.files.checkpoints, last), join(one.files.checkpoints, last))).toBeLessThan(1e-6);
});

/** Texts and advantages, whoever made them. */
async function completionsOf(file: string): Promise<string[]> {
  const lines = await readLines(file);
  return lines
    .map(({ step, sample_id, generation, text, advantage }) =>
      [step, sample_id, generation, text, advantage?.toFixed(6)].join(),
    )
    .sort();
}

describe('two processes', () => {
  it('learn from examples as one does', async () => {
    const set = ['training.max_steps=3', 'training.adam_epsilon=1e-3', 'training.prompts_per_step=4'];
    const one = await trainHere({ project, name: 'sft-one', set });
    const two = await trainHere({ project, name: 'sft-two', set, members: [{}, {}] });
    await Promise.all([one.end, two.end]);
    const last = 'step-000003';
    expect(await apart(join(two.files.checkpoints, last), join(one.files.checkpoints, last))).toBeLessThan(1e-6);
    const lossesOf = async ({ files }: typeof one) =>
      (await readLines(files.metrics)).map(({ loss }) => loss!.toFixed(5));
    expect(await lossesOf(two)).toEqual(await lossesOf(one));
  });

  const trainTwo = (name: string, set: string[], members: object[]) =>
    trainHere({ project, name, set: [...grpo, ...set], members });

  it('end with the reason of the one that fails', async () => {
    const failing = (step: number) => {
      if (step === 2) throw new Error('out of luck');
    };
    const { ends } = await trainTwo('failing', [], [{}, { onStep: failing }]);
    const results = await Promise.allSettled(ends);
    expect(results.map((result) => String(result.status === 'rejected' && result.reason))).toEqual(
      Array(2).fill('Error: out of luck'),
    );
  });

  it('leave after the same step when one is asked to, and go on as if nothing had been', async () => {
    const controller = new AbortController();
    const onStep = (step: number) => step === 2 && controller.abort();
    const { ends, files } = await trainTwo('stopped', [], [{}, { signal: controller.signal, onStep }]);
    expect(await Promise.all(ends)).toEqual(['interrupted', 'interrupted']);
    expect((await openCheckpoint(join(files.checkpoints, 'step-000002'))).state.step).toBe(2);
    const resumed = await trainHere({ project, name: 'stopped', set: grpo, members: [{}, {}], resume: true });
    expect(await Promise.all(resumed.ends)).toEqual(['done', 'done']);
    const whole = await trainTwo('whole', [], [{}, {}]);
    await whole.end;
    const left = (name: string) => weightsOf(join(project.folder, name, 'checkpoints/step-000003'));
    expect(await left('stopped')).toEqual(await left('whole'));
  });

  it('pass over a video alike that only one cannot read', async () => {
    const videos = join(project.folder, 'damaged');
    await cp(project.videos, videos, { recursive: true });
    await writeFile(join(videos, 'train-00001.mp4'), 'not a video');
    const { ends, files, warnings } = await trainTwo(
      'damaged',
      ['training.max_steps=6'],
      [{}, { set: [`data.train.0.videos=${videos}`] }],
    );
    expect(await Promise.all(ends)).toEqual(['done', 'done']);
    const lines = await readLines(files.metrics);
    expect(lines).toHaveLength(6);
    expect(warnings.filter((text) => text.startsWith('training: '))).toEqual([
      expect.stringMatching(/left out: .*\(\d\)$/),
    ]);
    const taken = await readLines(files.completions);
    expect(taken).toHaveLength(6 * 4 * 4);
  });

  it('evaluate once, and know alike that it is done', async () => {
    const { ends, files } = await trainTwo('evaluated', ['training.eval_steps=2'], [{}, {}]);
    expect(await Promise.all(ends)).toEqual(['done', 'done']);
    expect((await readLines(files.evaluations)).map(({ step }) => step)).toEqual([2, 3]);
  });

  it('do not begin from different things, nor with shares that are not equal', async () => {
    const unlike = await trainTwo('unlike', [], [{}, { set: ['grpo.beta=0.01'] }]);
    await expect(unlike.end).rejects.toMatchObject({ code: 'RUN_NOT_ALIKE' });
    const { ends } = await trainTwo('shares', ['training.prompts_per_step=3'], [{}, {}]);
    for (const end of ends) await expect(end).rejects.toMatchObject({ code: 'RUN_SHARES' });
  });
});
