import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { latestCheckpoint, openCheckpoint, removeAfter, writeCheckpoint } from '../../src/trainer/checkpoint.js';
import type { RunState } from '../../src/trainer/run-state.js';
import { folderWith } from '../folder.js';

const state = (step: number): RunState => ({
  step,
  epoch: 0,
  data_position: 2 * step,
  seed: 1,
  options: { seed: 1 },
  inputs: { data: { samples: 3, digest: 'd' }, model: { 'config.json': 'c' } },
  changes: [],
  optimizer_step: step,
  bad_steps: 0,
  totals: { num_tokens: 10 * step },
});

const write = (folder: string, step: number, keep = 3, steps: number[] = []) =>
  writeCheckpoint({
    folder,
    state: state(step),
    keep,
    steps,
    writeFiles: async (into) => {
      await writeFile(join(into, 'model.safetensors'), `weights of ${step}`);
      await writeFile(join(into, 'optimizer.safetensors'), `moments of ${step}`);
    },
  });

async function latest(folder: string) {
  const warnings: string[] = [];
  const found = await latestCheckpoint({ folder, warn: (message) => warnings.push(message) });
  return { step: found?.state.step, warnings };
}

describe('writeCheckpoint', () => {
  it('writes what openCheckpoint reads, and keeps the newest', async () => {
    const folder = await folderWith();
    for (const step of [1, 2, 3, 4]) await write(folder, step);
    expect((await readdir(folder)).sort()).toEqual(['step-000002', 'step-000003', 'step-000004']);
    const { state: found } = await openCheckpoint(join(folder, 'step-000003'));
    expect(found).toEqual(state(3));
    expect(await latest(folder)).toEqual({ step: 4, warnings: [] });
  });

  it('keeps what it is told to, beside the newest', async () => {
    const folder = await folderWith();
    for (const step of [1, 2, 3, 4]) await write(folder, step, 1, [2]);
    expect((await readdir(folder)).sort()).toEqual(['step-000002', 'step-000004']);
  });

  it('orders by number, not by name', async () => {
    const folder = await folderWith();
    for (const step of [999_999, 1_000_000]) await write(folder, step, 1);
    expect(await readdir(folder)).toEqual(['step-1000000']);
  });

  it('leaves nothing behind when it cannot be written, and those before whole', async () => {
    const folder = await folderWith();
    await write(folder, 1, 1);
    const failing = writeCheckpoint({
      folder,
      state: state(2),
      keep: 1,
      writeFiles: async (into) => {
        await writeFile(join(into, 'model.safetensors'), 'half');
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
    });
    await expect(failing).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readdir(folder)).toEqual(['step-000001']);
    expect(await latest(folder)).toEqual({ step: 1, warnings: [] });
  });
});

/** Damage to a checkpoint's folder, and what is said about it. */
const DAMAGES: [name: string, damage: (folder: string) => Promise<void>, reason: RegExp][] = [
  ['a cut-off file', (folder) => truncate(join(folder, 'model.safetensors'), 3), /model\.safetensors has 3 bytes and/],
  ['a flipped bit', flipBit, /model\.safetensors has changed since it was written/],
  ['a missing file', (folder) => rm(join(folder, 'state.json')), /state\.json is missing/],
  ['no manifest', (folder) => rm(join(folder, 'manifest.json')), /it has no manifest\.json/],
  ['an empty manifest', (folder) => writeFile(join(folder, 'manifest.json'), '{}'), /does not list state\.json/],
  ['a manifest without the moments', unlist('optimizer.safetensors'), /does not list optimizer\.safetensors/],
  ['a manifest without the weights', unlist('model.safetensors'), /does not list a file of weights/],
  [
    'a file that would be read and came later',
    (folder) => writeFile(join(folder, 'model.safetensors.index.json'), '{}'),
    /model\.safetensors\.index\.json was not written with it/,
  ],
  ['a folder for a manifest', folderForManifest, /manifest\.json cannot be understood/],
  ['a torn manifest', (folder) => truncate(join(folder, 'manifest.json'), 20), /manifest\.json cannot be understood/],
];

/** Takes a file out of the manifest. */
function unlist(name: string): (folder: string) => Promise<void> {
  return async (folder) => {
    const file = join(folder, 'manifest.json');
    const { [name]: _, ...rest } = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify(rest));
  };
}

async function folderForManifest(folder: string): Promise<void> {
  await rm(join(folder, 'manifest.json'));
  await mkdir(join(folder, 'manifest.json'));
}

async function flipBit(folder: string): Promise<void> {
  const file = join(folder, 'model.safetensors');
  const bytes = await readFile(file);
  bytes[5]! ^= 1;
  await writeFile(file, bytes);
}

describe.each(DAMAGES)('with %s', (_, damage, reason) => {
  it('a checkpoint is reported and passed over for the one before', async () => {
    const folder = await folderWith();
    for (const step of [1, 2]) await write(folder, step);
    await damage(join(folder, 'step-000002'));
    const { step, warnings } = await latest(folder);
    expect(step).toBe(1);
    expect(warnings).toEqual([expect.stringMatching(reason)]);
    expect(warnings[0]).toContain('step-000002');
    await expect(openCheckpoint(join(folder, 'step-000002'))).rejects.toThrow(reason);
  });
});

it('a checkpoint is none the worse for notes that somebody has put into it', async () => {
  const folder = await folderWith();
  const checkpoint = await write(folder, 1);
  await writeFile(join(checkpoint, 'notes.txt'), 'the good one');
  expect((await openCheckpoint(checkpoint)).state.step).toBe(1);
});

it('a checkpoint of an earlier version is opened, though it does not say what it was made from', async () => {
  const folder = await folderWith();
  const { options: _, inputs: __, changes: ___, ...old } = state(1);
  const checkpoint = await writeCheckpoint({
    folder,
    state: { ...old, config_digest: 'd' } as unknown as RunState,
    keep: 1,
    writeFiles: async (into) => {
      for (const name of ['model', 'optimizer']) await writeFile(join(into, `${name}.safetensors`), '');
    },
  });
  expect((await openCheckpoint(checkpoint)).state).toMatchObject({ step: 1, changes: [] });
});

describe('latestCheckpoint', () => {
  it('gives none where there is none, and does not take damaged ones for none', async () => {
    const folder = await folderWith();
    expect(await latest(folder)).toEqual({ step: undefined, warnings: [] });
    expect(await latest(join(folder, 'nowhere'))).toEqual({ step: undefined, warnings: [] });
    await write(folder, 1);
    await flipBit(join(folder, 'step-000001'));
    await expect(latest(folder)).rejects.toMatchObject({ code: 'CHECKPOINT_DAMAGED' });
    await expect(latest(folder)).rejects.toThrow(/step-000001.*remove that folder/);
  });
});

it('removeAfter takes away what is half written, damaged or of another way', async () => {
  const folder = await folderWith();
  for (const step of [1, 2, 3]) await write(folder, step);
  await mkdir(join(folder, '.step-000002.unfinished'));
  await mkdir(join(folder, 'mine'));
  await removeAfter({ folder, step: 2 });
  expect((await readdir(folder)).sort()).toEqual(['mine', 'step-000001', 'step-000002']);
});
