import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { downloadModel } from '../../../src/model-folder/hub/download.js';
import { ensureModel, modelFolder } from '../../../src/model-folder/model-folder.js';
import { asTyped } from '../../as-typed.js';
import { compileProgram } from '../../cli/compiled.js';
import { folderWith } from '../../folder.js';
import { COMMIT, hubServer } from './hub-server.js';

const ID = 'lab/tiny-vl';
const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
const patience = { retries: 2, pause: 5, silence: 300 };
const index = { weight_map: { a: SHARDS[0], b: SHARDS[1] } };
const files = {
  'config.json': Buffer.from('{"model_type": "qwen2_vl"}'),
  'tokenizer.json': Buffer.from('{}'),
  'model.safetensors.index.json': Buffer.from(JSON.stringify(index)),
  [SHARDS[0]]: randomBytes(300_000),
  [SHARDS[1]]: randomBytes(200_000),
  'consolidated.safetensors': randomBytes(10),
  'README.md': Buffer.from('read me'),
  'pytorch_model.bin': randomBytes(10),
};

let main: string;
beforeAll(async () => {
  main = await compileProgram();
}, 120_000);

let cache: string;
let hub: Awaited<ReturnType<typeof hubServer>>;
const open = async (more: { token?: string; files?: Record<string, Buffer> } = {}) => {
  hub = await hubServer({ id: ID, files, ...more });
  vi.stubEnv('HF_ENDPOINT', hub.url);
};
beforeEach(async () => {
  cache = await folderWith();
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) vi.stubEnv(name, '');
  vi.stubEnv('HF_HUB_CACHE', cache);
  vi.stubEnv('HF_HOME', cache);
});
afterEach(() => {
  hub?.close();
  vi.unstubAllEnvs();
});

const repository = () => path.join(cache, 'models--lab--tiny-vl');
const seen = { lines: [] as string[], progress: [] as [number, number][] };
const download = () => {
  seen.lines.length = 0;
  seen.progress.length = 0;
  return downloadModel({
    id: ID,
    patience,
    onProgress: (done, total) => void seen.progress.push([done, total]),
    report: (line) => void seen.lines.push(line),
  });
};
const shardRequests = (name: string) =>
  hub.requests.filter((request) => request.path === name).map(({ range }) => range);

/** All that is wanted is there, as Hugging Face's tools lay it out. */
function expectWhole(folder: string) {
  expect(folder).toBe(path.join(repository(), 'snapshots', COMMIT));
  expect(readFileSync(path.join(repository(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
  const wanted = ['config.json', 'model.safetensors.index.json', 'tokenizer.json', ...SHARDS].sort();
  expect(readdirSync(folder).sort()).toEqual(wanted);
  for (const name of wanted) {
    expect(readFileSync(path.join(folder, name)).equals(files[name as keyof typeof files]), name).toBe(true);
    expect(readlinkSync(path.join(folder, name))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]+$/);
  }
  expect(readdirSync(path.join(repository(), 'blobs')).filter((name) => name.includes('incomplete'))).toEqual([]);
}

it('brings what a model needs into the cache, and nothing a second time', async () => {
  await open();
  expectWhole(await download());
  expect(seen.progress.at(-1)).toEqual([seen.progress.at(-1)![1], seen.progress.at(-1)![1]]);
  expect(seen.progress.at(-1)![1]).toBeGreaterThan(500_000);
  const before = hub.requests.length;
  expectWhole(await download());
  expect(hub.requests.slice(before).map((request) => request.path)).toEqual(['info', 'tree']);
  expect(await modelFolder(ID)).toBe(path.join(repository(), 'snapshots', COMMIT));
});

it('takes the one file of weights where there is no index', async () => {
  const single = { ...files, 'model.safetensors': randomBytes(50) } as Record<string, Buffer>;
  delete single['model.safetensors.index.json'];
  await open({ files: single });
  expect(readdirSync(await download())).toContain('model.safetensors');
});

describe('a download that is cut off', () => {
  it.each([1, 150_000, 299_999])('after %i bytes goes on from there', async (bytes) => {
    await open();
    hub.fail(SHARDS[0], { cutAfter: bytes });
    expectWhole(await download());
    expect(shardRequests(SHARDS[0])).toEqual([undefined, `bytes=${bytes}-`]);
    expect(seen.lines.join('\n')).toContain(`${SHARDS[0]}: `);
  });

  it('goes on in another process, and starts over where the server knows no ranges', async () => {
    await open();
    const cut = { cutAfter: 100_000 };
    // Not a byte more comes in the attempts after the first.
    hub.fail(SHARDS[0], cut, { status: 503 }, { status: 503 }, { status: 503 }, ...Array(9).fill({ status: 503 }));
    await expect(download()).rejects.toMatchObject({
      code: 'HUB_FILE',
      message: expect.stringMatching(/What has come is kept; run the command again/),
    });
    const [kept] = readdirSync(path.join(repository(), 'blobs')).filter((name) => name.includes('incomplete'));
    expect(statSync(path.join(repository(), 'blobs', kept!)).size).toBe(100_000);
    await expect(modelFolder(ID)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    hub.close();
    await open();
    hub.fail(SHARDS[0], { ignoresRange: true });
    expectWhole(await download());
    expect(shardRequests(SHARDS[0])).toEqual(['bytes=100000-']);
  });

  it('by silence is asked for again', async () => {
    await open();
    hub.fail(SHARDS[1], { silent: true });
    expectWhole(await download());
    expect(seen.lines.join('\n')).toContain('no answer for 0.3 s');
  });
});

describe('answers of a hub', () => {
  it('429 with the pause that it asks for, and 500, are asked again', async () => {
    await open();
    hub.fail('info', { status: 429, retryAfter: 0 }, { status: 500 });
    hub.fail(SHARDS[1], { status: 502 });
    expectWhole(await download());
    expect(seen.lines.filter((line) => /answers (429|500|502)/.test(line))).toHaveLength(3);
  });

  it('500 for good is told', async () => {
    await open();
    hub.fail('info', ...Array(9).fill({ status: 500 }));
    await expect(download()).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringContaining('500'),
    });
  });

  it('401 without a token, and with a wrong one; the right one is sent', async () => {
    await open({ token: 'hf_right' });
    await expect(download()).rejects.toMatchObject({
      code: 'HUB_REFUSED',
      message: expect.stringContaining('set HF_TOKEN'),
    });
    vi.stubEnv('HF_TOKEN', 'hf_wrong');
    const error = await download().catch((one) => one);
    expect(error.message).toContain('the token in HF_TOKEN may not read it');
    expect(error.message).not.toContain('hf_wrong');
    vi.stubEnv('HF_TOKEN', '');
    writeFileSync(path.join(cache, 'token'), 'hf_right\n');
    vi.stubEnv('HF_TOKEN', undefined);
    expectWhole(await download());
    expect(hub.requests.at(-1)!.authorization).toBe('Bearer hf_right');
  });

  it('403 of a file is told at once, without asking again', async () => {
    await open();
    hub.fail(SHARDS[0], { status: 403 });
    await expect(download()).rejects.toMatchObject({ code: 'HUB_REFUSED' });
    expect(shardRequests(SHARDS[0])).toHaveLength(1);
  });

  it('404', async () => {
    await open();
    const other = downloadModel({ id: 'lab/other', patience, onProgress: () => {}, report: () => {} });
    await expect(other).rejects.toMatchObject({ code: 'HUB_NOT_FOUND', message: expect.stringContaining('lab/other') });
  });

  it('a size that is not the listed one', async () => {
    await open();
    hub.fail(SHARDS[0], ...Array(9).fill({ tells: 299_000 }));
    await expect(download()).rejects.toMatchObject({
      code: 'HUB_FILE',
      message: expect.stringContaining('the hub lists 300000 bytes and sends 299000'),
    });
  });

  it('other bytes once are fetched again, twice are told', async () => {
    await open();
    hub.fail(SHARDS[0], { corrupt: true });
    expectWhole(await download());
    rmSync(repository(), { recursive: true });
    hub.fail(SHARDS[0], { corrupt: true }, { corrupt: true });
    await expect(download()).rejects.toMatchObject({ code: 'HUB_FILE', message: expect.stringContaining('its hash') });
  });

  it('no weights', async () => {
    await open({ files: { 'config.json': files['config.json'], 'pytorch_model.bin': randomBytes(9) } });
    await expect(download()).rejects.toMatchObject({ code: 'HUB_NO_WEIGHTS' });
  });

  it('an address that is none, and nobody there', async () => {
    vi.stubEnv('HF_ENDPOINT', 'hub.example');
    await expect(download()).rejects.toMatchObject({ code: 'HUB_ENDPOINT' });
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    await expect(download()).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringMatching(/lab\/tiny-vl cannot be downloaded from http:\/\/127\.0\.0\.1:9/),
    });
  });
});

it('two processes that want the same take turns: each file comes once', async () => {
  await open();
  // Long enough for the other to come to the door.
  hub.fail('info', { delay: 2500 });
  const options = asTyped({ HF_HUB_CACHE: cache, HF_ENDPOINT: hub.url });
  const run = () => execa(process.execPath, [main, 'download', ID], { ...options, extendEnv: false, stdin: 'ignore' });
  const [one, other] = await Promise.all([run(), run()]);
  for (const { stdout } of [one, other]) expectWhole(stdout);
  expect(`${one.stderr}${other.stderr}`).toContain('another process is downloading lab/tiny-vl; waiting for it');
  for (const name of SHARDS) expect(shardRequests(name)).toHaveLength(1);
}, 60_000);

describe('offline', () => {
  it('a whole cache serves, with no request', async () => {
    await open();
    await download();
    const before = hub.requests.length;
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect(await ensureModel(ID, { onProgress: () => {}, report: () => {} })).toBe(await modelFolder(ID));
    expect(hub.requests).toHaveLength(before);
  });

  it('half a cache is told, and so is none; online the rest is fetched', async () => {
    await open();
    const folder = await download();
    rmSync(path.join(folder, SHARDS[1]));
    vi.stubEnv('HF_HUB_OFFLINE', 'true');
    const view = { onProgress: () => {}, report: () => {} };
    await expect(ensureModel(ID, view)).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
      message: expect.stringContaining(`${SHARDS[1]} missing in ${folder}`),
    });
    await expect(ensureModel('lab/none', view)).rejects.toMatchObject({ code: 'HUB_OFFLINE' });
    vi.stubEnv('HF_HUB_OFFLINE', '0');
    await expect(modelFolder(ID)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expectWhole(await ensureModel(ID, view));
  });
});

it('a model that python has put there serves', async () => {
  const snapshot = path.join(repository(), 'snapshots', 'bbb');
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(path.join(repository(), 'refs'));
  writeFileSync(path.join(repository(), 'refs', 'main'), 'bbb\n');
  for (const name of ['config.json', 'tokenizer.json', 'model.safetensors'])
    writeFileSync(path.join(snapshot, name), '{}');
  expect(await modelFolder(ID)).toBe(snapshot);
});
