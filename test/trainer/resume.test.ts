import { appendFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/trainer/checkpoint.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 4, test: 2 });
const annotations = join(project.folder, 'mine.jsonl');
const model = join(project.folder, 'my-model');
const OWN = [`data.train.0.annotations=${annotations}`, `model.path=${model}`, 'training.save_steps=2'];

/** A run that was interrupted after step 4, with annotations and a model of its own. */
async function interrupted(name: string, set: string[] = []) {
  const clips = join(project.videos, '..', 'train.jsonl');
  await cp(clips, annotations);
  await rm(model, { recursive: true, force: true });
  await cp(project.model, model, { recursive: true });
  const controller = new AbortController();
  const onStep = (step: number) => void (step === 4 && controller.abort());
  const first = await trainHere({ project, name, set: [...OWN, ...set], signal: controller.signal, onStep });
  expect(await first.end).toBe('interrupted');
  const resume = (more: { set?: string[]; acceptChanges?: boolean } = {}) =>
    trainHere({ project, name, resume: true, ...more, set: [...OWN, ...set, ...(more.set ?? [])] });
  return { files: first.files, resume, at: (step: number) => join(first.files.checkpoints, `step-00000${step}`) };
}

/** Changes the annotation file: its lines. */
async function changeLines(change: (lines: string[]) => string[]): Promise<void> {
  const lines = (await readFile(annotations, 'utf8')).trimEnd().split('\n');
  await writeFile(annotations, `${change(lines).join('\n')}\n`);
}

describe('resuming on other data', () => {
  it.each([
    ['fewer lines', (lines: string[]) => lines.slice(1), 'the training data has 11 samples and had 12'],
    ['another order', (lines: string[]) => lines.toReversed(), 'the 12 training samples are not those of before'],
    [
      'another answer',
      (lines: string[]) => lines.map((line) => line.replace('"answer":"A"', '"answer":"B"')),
      'the 12 training samples are not those of before, or have other answers',
    ],
  ])('is refused (%s), and leaves the run as it is', async (name, change, message) => {
    const { files, resume } = await interrupted(`refused ${name}`);
    const before = await readFile(files.metrics, 'utf8');
    await changeLines(change);
    const { end } = await resume({ set: ['training.max_steps=7'] });
    await expect(end).rejects.toMatchObject({ code: 'RUN_INPUTS_CHANGED' });
    await expect(end).rejects.toThrow(`since the checkpoint after step 4, ${message}`);
    await expect(end).rejects.toThrow('--accept-changes');
    expect(await readFile(files.metrics, 'utf8')).toBe(before);
    expect(await readFile(files.config, 'utf8')).toContain('max_steps: 6');
  });

  it('goes on when it is told to, and says so in the log and in every checkpoint from then on', async () => {
    const { resume, at } = await interrupted('accepted');
    await changeLines((lines) => lines.slice(1));
    const { end, warnings } = await resume({ acceptChanges: true });
    expect(await end).toBe('done');
    const change = 'the training data has 11 samples and had 12';
    expect(warnings).toEqual([`after step 4: ${change}; going on, as told by --accept-changes`]);
    expect((await openCheckpoint(at(6))).state.changes).toEqual([{ after_step: 4, change }]);
    // From then on it is the data of the run.
    expect(await (await resume({ set: ['training.max_steps=7'] })).end).toBe('done');
  });

  it('is none where videos have moved, or a line has come that no sample is made of', async () => {
    const { resume } = await interrupted('moved');
    const videos = join(project.folder, 'moved-videos');
    await cp(project.videos, videos, { recursive: true });
    await appendFile(annotations, 'no JSON\n');
    const { end, warnings } = await resume({ set: [`data.train.0.videos=${videos}`] });
    expect(await end).toBe('done');
    expect(warnings.filter((text) => !text.includes('left out'))).toEqual([]);
  });
});

describe('resuming with another model', () => {
  it.each([
    ['its weights', 'model.safetensors', (bytes: Buffer) => bytes.fill(1, bytes.length - 8)],
    ['its tokenizer', 'tokenizer.json', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('\n')])],
  ])('is refused, naming the file (%s)', async (name, file, change) => {
    const { resume } = await interrupted(`model ${name}`, ['model.lora.r=2', 'model.freeze_vision=true']);
    await writeFile(join(model, file), change(await readFile(join(model, file))));
    const { end } = await resume();
    await expect(end).rejects.toMatchObject({ code: 'RUN_INPUTS_CHANGED' });
    await expect(end).rejects.toThrow(`the model that it starts from has another ${file};`);
  });

  it('is none where something lies in the folder that is not read', async () => {
    const { resume } = await interrupted('model notes');
    await writeFile(join(model, 'notes.json'), '{}');
    expect(await (await resume()).end).toBe('done');
  });
});

describe('resuming with more steps', () => {
  it('takes them over, and tells what that does to the learning rate', async () => {
    const set = ['training.lr_scheduler_type=linear'];
    const { files, resume, at } = await interrupted('longer', set);
    const { end, warnings } = await resume({ set: ['training.max_steps=8'] });
    expect(await end).toBe('done');
    // linear: 0.004 · (1 − 4 / 8) where it was 0.004 · (1 − 4 / 6).
    expect(warnings).toEqual([
      'training.max_steps: 6 → 8: the learning rate follows linear over 8 steps from step 5 on (0.002 where it was 0.00133); a run of 8 steps from its beginning would have had other rates before',
    ]);
    const rates = (await readLines(files.metrics)).map((line) => line.learning_rate! / 0.004);
    for (const [i, rate] of [1, 5 / 6, 4 / 6, 3 / 6, 4 / 8, 3 / 8, 2 / 8, 1 / 8].entries())
      expect(rates[i]).toBeCloseTo(rate, 12);
    const changes = [{ after_step: 4, change: 'training.max_steps: 6 → 8' }];
    expect((await openCheckpoint(at(8))).state.changes).toEqual(changes);
    expect(await readFile(files.config, 'utf8')).toContain('max_steps: 8');
  });

  it('goes on with a run that was done, with a constant rate as if it had been longer from the start', async () => {
    const whole = await trainHere({ project, name: 'eight', set: ['training.max_steps=8', 'training.save_steps=2'] });
    const first = await trainHere({ project, name: 'six', set: ['training.save_steps=2'] });
    expect([await whole.end, await first.end]).toEqual(['done', 'done']);
    const set = ['training.max_steps=8', 'training.save_steps=2'];
    expect(await (await trainHere({ project, name: 'six', set, resume: true })).end).toBe('done');
    for (const name of ['model.safetensors', 'optimizer.safetensors']) {
      const file = join('checkpoints', 'step-000008', name);
      const [a, b] = await Promise.all([whole, first].map(({ files }) => readFile(join(files.path, file))));
      expect(a!.equals(b!), name).toBe(true);
    }
    expect(JSON.parse(await readFile(first.files.finished, 'utf8')).step).toBe(8);
  });
});

describe('resuming with damaged records', () => {
  it('takes a damaged line out, keeps it beside, and tells', async () => {
    const { files, resume } = await interrupted('damaged');
    const lines = (await readFile(files.metrics, 'utf8')).split('\n');
    lines[1] = `\0${lines[1]!.slice(1)}`;
    await writeFile(files.metrics, lines.join('\n'));
    const { end, warnings } = await resume();
    expect(await end).toBe('done');
    expect(warnings).toEqual([
      expect.stringMatching(
        /metrics\.jsonl: line 2 is damaged and was taken out; it has 3 of the 4 lines that the checkpoint after step 4 goes with.*what was taken out is in metrics\.jsonl\.damaged beside it$/,
      ),
    ]);
    expect((await readLines(files.metrics)).map(({ step }) => step)).toEqual([1, 3, 4, 5, 6]);
    expect(await readFile(`${files.metrics}.damaged`, 'utf8')).toBe(`${lines[1]}\n`);
  });

  it('tells that lines are missing, and keeps the rest of the last', async () => {
    const { files, resume } = await interrupted('short');
    const text = await readFile(files.metrics);
    const end3 = text.subarray(0, text.length - 1).lastIndexOf(10) + 1;
    await truncate(files.metrics, text.length - 20);
    const { end, warnings } = await resume();
    expect(await end).toBe('done');
    expect(warnings).toEqual([
      expect.stringMatching(/metrics\.jsonl: it has 3 of the 4 lines .*metrics\.jsonl\.damaged/),
    ]);
    expect(await readFile(`${files.metrics}.damaged`)).toEqual(text.subarray(end3, text.length - 20));
  });

  it('tells lines that are there twice', async () => {
    const { files, resume } = await interrupted('twice');
    await appendFile(files.metrics, await readFile(files.metrics));
    const { warnings, end } = await resume();
    expect(await end).toBe('done');
    expect(warnings).toEqual([expect.stringMatching(/metrics\.jsonl: it has 8 lines, and 4 go with/)]);
  });
});
