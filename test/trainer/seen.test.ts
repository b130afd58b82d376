import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { writeTinyModel } from '../../src/quickstart/tiny-model.js';
import { activeBackend } from '../../src/tensor/active.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 4, test: 2 });
await startRuntime({ report: () => {} });

const choice = { question: 'Which one?', options: ['a', 'b', 'c', 'd'] };
/** All that a line can show, of different sizes. */
const LINES = [
  { id: 'part', video: 'train-00000.mp4', video_start: 1, video_end: 5, segment: [2, 4] },
  { id: 'two', video: ['train-00001.mp4', 'train-00002.mp4'], ...choice, answer: 'B' },
  { id: 'picture', image: 'wide.png', ...choice, answer: 'C' },
  { id: 'both', image: ['tall.jpg', 'wide.png'], video: 'train-00003.mp4', ...choice, answer: 'D' },
];

const noise = (width: number, height: number) =>
  sharp({
    create: { width, height, channels: 3, background: 'grey', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
  });
await noise(150, 60).png().toFile(join(project.videos, 'wide.png'));
await noise(40, 130).jpeg().toFile(join(project.videos, 'tall.jpg'));
const annotations = join(project.folder, 'seen.jsonl');
await writeFile(annotations, LINES.map((line) => `${JSON.stringify(line)}\n`).join(''));

it.each(['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl'] as const)(
  '%s: pictures, several videos and parts are trained on in one step, resumed with the same bits, and evaluated',
  async (family) => {
    const model = join(project.folder, family);
    await writeTinyModel({ folder: model, seed: 1, family });
    const set = [
      ...[`model.path=${model}`, 'method=grpo', 'training.prompts_per_step=4', 'training.max_steps=3'],
      ...['training.save_steps=1', 'training.eval_steps=3', `data.image={min_pixels: 1024, max_pixels: 7056}`],
      ...['data.train', 'data.eval'].map(
        (key) => `${key}=[{source: jsonl, annotations: ${annotations}, videos: ${project.videos}}]`,
      ),
    ];
    const before = activeBackend().liveTensors();
    const whole = await trainHere({ project, name: `${family}-whole`, set });
    expect(await whole.end).toBe('done');
    expect(whole.warnings).toEqual([]);
    const controller = new AbortController();
    const name = `${family}-parts`;
    const onStep = (step: number) => void (step === 2 && controller.abort());
    expect(await (await trainHere({ project, name, set, signal: controller.signal, onStep })).end).toBe('interrupted');
    const resumed = await trainHere({ project, name, set, resume: true });
    expect(await resumed.end).toBe('done');
    for (const file of ['completions', 'evaluations'] as const)
      expect(await readFile(resumed.files[file], 'utf8')).toBe(await readFile(whole.files[file], 'utf8'));
    const weights = (at: string) => readFile(join(at, 'step-000003', 'model.safetensors'));
    expect((await weights(resumed.files.checkpoints)).equals(await weights(whole.files.checkpoints))).toBe(true);
    const metrics = await readLines(whole.files.metrics);
    expect(metrics.map(({ step, loss }) => [step, Number.isFinite(loss)])).toEqual(
      [1, 2, 3].map((step) => [step, true]),
    );
    expect(activeBackend().liveTensors()).toBe(before);
  },
);
