import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { FeatureCache } from '../../../src/policy/vision/feature-cache.js';
import { FeatureFiles } from '../../../src/policy/vision/feature-files.js';
import { towerDigest } from '../../../src/policy/vision/tower-digest.js';
import { activeBackend } from '../../../src/tensor/active.js';
import { cast, downloadFloats, upload } from '../../../src/tensor/ops.js';
import { startRuntime } from '../../../src/tensor/runtime.js';
import { scope } from '../../../src/tensor/tensor.js';
import { openModels } from '../../../src/trainer/models.js';
import { folderWith } from '../../folder.js';
import { ownCache } from '../../own-cache.js';
import { tinyProject } from '../../tiny-project.js';
import { trainHere } from '../../trainer/train-here.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const NUMBERS = Float32Array.from([0.1, -2.5e-9, 3e8, 0, -0, 1 / 3]);
const features = (type: 'float32' | 'bfloat16') => ({
  tokens: cast(upload(NUMBERS.slice(), [3, 2]), type),
  deep: [cast(upload(NUMBERS.slice().reverse(), [2, 3]), type)],
});
const read = (files: FeatureFiles, key: string) =>
  scope(() => {
    const found = files.read(key);
    return (
      found &&
      [found.tokens, ...found.deep].map((tensor) => ({
        shape: [...tensor.shape],
        dtype: tensor.dtype,
        bits: [...new Uint32Array(downloadFloats(cast(tensor, 'float32')).slice().buffer)],
      }))
    );
  });

describe('features on the disk', () => {
  it.each(['float32', 'bfloat16'] as const)('are the same bits when they are read (%s)', async (type) => {
    if (type === 'bfloat16' && !activeBackend().supportsBfloat16) return;
    const before = activeBackend().liveTensors();
    const folder = await folderWith({});
    const expected = scope(() => {
      const made = features(type);
      new FeatureFiles({ folder, tower: 't' }).write('a', made);
      return [made.tokens, ...made.deep].map((tensor) => [
        ...new Uint32Array(downloadFloats(cast(tensor, 'float32')).slice().buffer),
      ]);
    });
    const found = read(new FeatureFiles({ folder, tower: 't' }), 'a')!;
    expect(found.map(({ bits }) => bits)).toEqual(expected);
    expect(found).toMatchObject([
      { shape: [3, 2], dtype: type },
      { shape: [2, 3], dtype: type },
    ]);
    expect(activeBackend().liveTensors()).toBe(before);
  });

  it('are nobody else’s: another video, another tower, a damaged file', async () => {
    const folder = await folderWith({});
    const files = new FeatureFiles({ folder, tower: 't' });
    scope(() => files.write('a', features('float32')));
    expect(read(files, 'b')).toBeNull();
    expect(read(new FeatureFiles({ folder, tower: 'u' }), 'a')).toBeNull();
    const [name] = await readdir(folder);
    const bytes = await readFile(join(folder, name!));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(join(folder, name!), bytes);
    expect(read(files, 'a')).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });

  it('leave when there are too many, and do not stop a run that cannot keep them', async () => {
    const folder = await folderWith({});
    const files = new FeatureFiles({ folder, tower: 't', maxBytes: 2000 });
    for (let i = 0; i < 40; i++) {
      scope(() => files.write(`${i}`, features('float32')));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await readdir(folder)).length).toBeLessThan(15);
    const nowhere = new FeatureFiles({ folder: join(folder, (await readdir(folder))[0]!), tower: 't' });
    scope(() => nowhere.write('a', features('float32')));
    expect(read(nowhere, 'a')).toBeNull();
  });

  it('serve the cache in place of the tower', async () => {
    const folder = await folderWith({});
    const made: string[] = [];
    const look = (key: string) => () => {
      made.push(key);
      return features('float32');
    };
    for (let run = 0; run < 2; run++) {
      const cache = new FeatureCache({ capacity: 1 });
      cache.keepIn(new FeatureFiles({ folder, tower: 't' }));
      for (const key of ['a', 'b', 'a']) {
        scope(() => void cache.get(key, look(key)));
        cache.trim();
      }
      cache.dispose();
    }
    expect(made).toEqual(['a', 'b']);
  });
});

it('names a tower by its weights and its type, and a run takes what another run has seen: the same bytes', async () => {
  const cache = await ownCache();
  const project = await tinyProject({ train: 3, test: 1 });
  const set = ['method=grpo', 'model.lora.r=2', 'model.freeze_vision=true', 'training.max_steps=3'];
  const runs = [];
  for (const name of ['first', 'second']) {
    const { end, files } = await trainHere({ project, name, set });
    expect(await end).toBe('done');
    runs.push({
      files: (await readdir(join(cache, 'features'))).toSorted(),
      completions: await readFile(files.completions, 'utf8'),
    });
  }
  expect(runs[0]!.files.length).toBeGreaterThan(0);
  expect(runs[1]).toEqual(runs[0]);

  const digestOf = async (options: string[]) => {
    const config = await loadConfig({ file: project.config, set: [...set, ...options] });
    const models = await openModels({ config, withReference: false });
    const digest = towerDigest(models.policy);
    models.dispose();
    return digest;
  };
  const own = await digestOf([]);
  expect(await digestOf(['seed=77', 'model.lora.r=4'])).toBe(own);
  if (activeBackend().supportsBfloat16) expect(await digestOf(['model.dtype=bfloat16'])).not.toBe(own);
  const other = await tinyProject({ train: 3, test: 1 });
  const weights = await readFile(join(other.model, 'model.safetensors'));
  const head = JSON.parse(weights.toString('utf8', 8, 8 + Number(weights.readBigUInt64LE(0))));
  const name = Object.keys(head).find((key) => /visual.*blocks.*weight$/.test(key))!;
  const at = 8 + Number(weights.readBigUInt64LE(0)) + head[name].data_offsets[0];
  weights[at + 1]! ^= 1;
  await writeFile(join(other.model, 'model.safetensors'), weights);
  expect(await digestOf([`model.path=${other.model}`])).not.toBe(own);
});
