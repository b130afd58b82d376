import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import type { Prompt } from '../../../src/prompt/prompt.js';
import { loadTokenizer } from '../../../src/prompt/tokenizer.js';
import type { RolloutEngine } from '../../../src/rollout/engine.js';
import { openaiEngine } from '../../../src/rollout/engines/openai/engine.js';
import { Interrupted } from '../../../src/system/interrupted.js';
import { tinyProject } from '../../tiny-project.js';
import { type ChatBody, fakeServer } from './fake-server.js';

const project = await tinyProject({ train: 1, test: 1 });
const tokenizer = await loadTokenizer(project.model);
const end = tokenizer.idOf('<|im_end|>');
const word = [...tokenizer.encode('Yes')];

const frames = {
  ...{ data: Uint8Array.from({ length: 2 * 4 * 4 * 3 }, (_, i) => (i * 37) % 256), count: 2, height: 4, width: 4 },
  ...{ times: [0, 0.5], duration: 1, warnings: [] },
};
const promptOf = (userText: string): Prompt => ({
  tokenIds: Int32Array.of(1, 2, 3),
  visuals: [],
  positions: new Int32Array(9),
  nextPosition: 3,
  shown: { userText, seen: [{ kind: 'video', frames }] } as unknown as Prompt['shown'],
});

const choice = (index: number, more: object = {}) => ({
  ...{ index, finish_reason: 'stop', message: { content: 'Yes' }, token_ids: [...word, end] },
  logprobs: { content: [...word, end].map((_, i) => ({ token: '', logprob: -0.5 - i })) },
  ...more,
});
const reply = (n: number, more: object = {}, all: object = {}) => ({
  ...{ prompt_token_ids: [1, 2, 3], choices: Array.from({ length: n }, (_, i) => choice(i, i === 0 ? more : {})) },
  ...all,
});

let folder: string;
let open: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vau-rft-test-'));
});
afterEach(async () => {
  for (const close of open) await close();
  open = [];
  await rm(folder, { recursive: true, force: true });
});

async function serve(chat: Parameters<typeof fakeServer>[0]['chat'], more: object = {}) {
  const server = await fakeServer({ chat, ...more });
  open.push(server.close);
  return server;
}

async function engineAt(urls: string[], more: object = {}, signal = new AbortController().signal) {
  const engine = { name: 'openai', base_url: urls, model: 'base', max_retries: 3, ...more };
  const { rollout } = configSchema.parse({
    name: 'x',
    method: 'grpo',
    model: { path: 'm', lora: { r: 2 } },
    data: { train: [{ source: 'jsonl', annotations: 'a', videos: 'v' }] },
    rollout: { engine },
  });
  const options = rollout.engine as Extract<typeof rollout.engine, { name: 'openai' }>;
  return openaiEngine({ options, processor: { tokenizer, endTokenIds: [end] }, name: 'run', folder, start: 5, signal });
}

const save = async (into: string) => writeFile(join(into, 'adapter_model.safetensors'), 'weights');
const sampling = {
  ...{ temperature: 0.9, top_p: 0.95, top_k: 0, min_p: 0, repetition_penalty: 1 },
  ...{ max_completion_length: 8, min_completion_length: 0 },
};
const ask = (engine: RolloutEngine, texts = ['When?']) =>
  engine.generate({ prompts: texts.map(promptOf), numGenerations: 2, sampling, uniform: (b) => (b + 1) / 8 });

describe('an engine of servers', () => {
  it('sends what the policy is shown, and takes ids and log-probs', async () => {
    const server = await serve(() => ({ body: reply(2) }));
    const engine = await engineAt([server.url]);
    await engine.sync(0, save);
    const { completions, behaviour, faults } = await ask(engine);
    expect(behaviour).toBe('recorded');
    expect(faults).toEqual({});
    expect(completions[0]![1]).toEqual({
      tokenIds: Int32Array.of(...word, end),
      logprobs: Float32Array.from([...word, end], (_, i) => -0.5 - i),
      truncated: false,
    });
    const { body } = server.calls.at(-1)!;
    expect(body).toMatchObject({
      ...{ model: 'run-0', n: 2, logprobs: true, return_token_ids: true, seed: 2 ** 28, stop_token_ids: [end] },
      ...{ temperature: 0.9, top_p: 0.95, top_k: -1, max_tokens: 8 },
      mm_processor_kwargs: { do_sample_frames: false, min_pixels: 16, max_pixels: 16, fps: 2 },
    });
    const [{ content }] = (body as unknown as ChatBody).messages as [ChatBody['messages'][0]];
    expect(content[1]).toEqual({ type: 'text', text: 'When?' });
    const pictures = content[0]!.video_url!.url.split(',');
    expect(pictures[0]).toBe('data:video/jpeg;base64');
    const { default: sharp } = await import('sharp');
    const pixels = await Promise.all(
      pictures.slice(1).map((one) => sharp(Buffer.from(one, 'base64')).raw().toBuffer()),
    );
    expect(Uint8Array.from(Buffer.concat(pixels))).toEqual(frames.data);
  });

  it('gives each adapter once, under a name of its own, and takes the one before away', async () => {
    const server = await serve(() => ({ body: reply(2) }));
    const engine = await engineAt([server.url], { server_adapter_dir: '/mnt/there' });
    for (const version of [0, 0, 1]) await engine.sync(version, save);
    expect(server.calls.map(({ path, body }) => [path.slice(4), body.lora_name, body.lora_path])).toEqual([
      ['load_lora_adapter', 'run-0', '/mnt/there/run-0'],
      ['load_lora_adapter', 'run-1', '/mnt/there/run-1'],
      ['unload_lora_adapter', 'run-0', undefined],
    ]);
    expect(await readdir(folder)).toEqual(['run-1']);
    await engine.close();
    expect(server.calls.at(-1)).toMatchObject({ path: '/v1/unload_lora_adapter', body: { lora_name: 'run-1' } });
    const other = await engineAt([server.url]);
    await other.sync(1, null);
    const { length } = server.calls;
    await other.close();
    expect(server.calls).toHaveLength(length);
  });

  it('takes an adapter of its name away that somebody else has given, and folders of a way that is not gone on with', async () => {
    const server = await serve(() => ({ body: reply(2) }));
    await mkdir(join(folder, 'run-7'));
    await mkdir(join(folder, 'run-5'));
    for (const _ of [1, 2]) await (await engineAt([server.url])).sync(5, save);
    expect(server.calls.map(({ path, body }) => [path.slice(4), body.lora_name])).toEqual([
      ['load_lora_adapter', 'run-5'],
      ['load_lora_adapter', 'run-5'],
      ['unload_lora_adapter', 'run-5'],
      ['load_lora_adapter', 'run-5'],
    ]);
    expect(await readdir(folder)).toEqual(['run-5']);
  });

  it('gives a lost adapter again once, however many miss it', async () => {
    let lost = 3;
    const server = await serve(() => (lost-- > 0 ? { status: 404, body: 'none', delay: 30 } : { body: reply(2) }));
    const engine = await engineAt([server.url]);
    await engine.sync(1, save);
    const { faults } = await ask(engine, ['When?', 'Which?', 'What?']);
    expect(faults).toEqual({ adapter_lost: 3 });
    // Given, and given again: taken away before, since this server had not really lost it.
    expect(server.calls.filter(({ path }) => path.endsWith('unload_lora_adapter')).length).toBeLessThan(3);
  });

  it('does not give another adapter while the one before is sampled with', async () => {
    const server = await serve((_, adapters) => ({
      body: reply(2),
      delay: 150,
      status: adapters.has('run-0') ? 200 : 404,
    }));
    const engine = await engineAt([server.url]);
    await engine.sync(0, save);
    const asked = ask(engine);
    await engine.sync(1, save);
    expect((await asked).faults).toEqual({});
    const paths = server.calls.map(({ path }) => path);
    expect(paths.indexOf('/v1/chat/completions')).toBeLessThan(paths.lastIndexOf('/v1/load_lora_adapter'));
  });

  it.each<[string, object]>([
    ['another number of completions', { choices: [choice(0)] }],
    ['no token ids', reply(2, { token_ids: null })],
    ['ids of other words', reply(2, { token_ids: [word[0]! + 1, ...word.slice(1), end] })],
    ['ids of no words', reply(2, { token_ids: [10 ** 6, ...word.slice(1), end] })],
    ['no log-probs', reply(2, { logprobs: null })],
    ['log-probs of fewer tokens', reply(2, { logprobs: { content: [{ logprob: -1 }] } })],
    ['a log-prob above 0', reply(2, { logprobs: { content: [...word, end].map(() => ({ logprob: 0.5 })) } })],
    ['vLLM’s −9999', reply(2, { logprobs: { content: [...word, end].map(() => ({ logprob: -9999 })) } })],
    ['an end that is none', reply(2, { token_ids: word, logprobs: { content: word.map(() => ({ logprob: -1 })) } })],
    ['cut off before its length', reply(2, { finish_reason: 'length' })],
    ['ended by somebody', reply(2, { finish_reason: 'abort' })],
    ['no prompt ids', reply(2, {}, { prompt_token_ids: null })],
    ['no chat completion', { error: 'what?' }],
    ['words taken out of the text', reply(2, { message: { content: '' } })],
  ])('asks again where a reply has %s', async (_, bad) => {
    let count = 0;
    const server = await serve(() => ({ body: count++ === 0 ? bad : reply(2) }));
    const engine = await engineAt([server.url]);
    const { completions, faults } = await ask(engine);
    expect(faults).toEqual({ unusable_reply: 1 });
    expect(completions[0]).toHaveLength(2);
  });

  it('goes to the next server, waits as it is told, and gives a lost adapter again', async () => {
    let count = 0;
    const slow = await serve(() => ({ status: 429, headers: { 'retry-after': '0.3' }, body: {} }));
    const other = await serve((_, adapters) => {
      if (count++ === 0) adapters.clear();
      return adapters.has('run-3') ? { body: reply(2) } : { status: 404, body: 'no such model' };
    });
    const engine = await engineAt([slow.url, other.url]);
    await engine.sync(3, save);
    const began = performance.now();
    const { faults } = await ask(engine);
    expect(performance.now() - began).toBeGreaterThan(300);
    expect(faults).toEqual({ rate_limit: 2, adapter_lost: 1 });
    expect(other.calls.filter(({ path }) => path === '/v1/load_lora_adapter')).toHaveLength(2);
  });

  it('counts what is late, and what is not there', async () => {
    let count = 0;
    const server = await serve(() => ({ body: reply(2), delay: count++ === 0 ? 600 : 0 }));
    const engine = await engineAt([server.url], { timeout_s: 0.2 });
    expect((await ask(engine)).faults).toEqual({ timeout: 1 });
    await server.close();
    await expect(ask(engine)).rejects.toMatchObject({ code: 'ROLLOUT_FAILED' });
  });

  it('stops where the server was shown something else', async () => {
    const server = await serve(() => ({ body: reply(2, {}, { prompt_token_ids: [1, 2, 2, 3] }) }));
    const engine = await engineAt([server.url]);
    await expect(ask(engine)).rejects.toThrow(
      /another prompt than the policy: 4 tokens where there are 3, other ones from token 2/,
    );
    expect(server.calls).toHaveLength(1);
  });

  it('leaves when it is asked to', async () => {
    const controller = new AbortController();
    const server = await serve(() => ({ body: reply(2), delay: 60_000 }));
    const engine = await engineAt([server.url], {}, controller.signal);
    const asked = ask(engine);
    setTimeout(() => controller.abort(), 50);
    await expect(asked).rejects.toBeInstanceOf(Interrupted);
  });

  it.each<[string, object, RegExp]>([
    ['an old version', { version: '0.10.1' }, /has version 0\.10\.1, and token ids come with 0\.10\.2/],
    ['another model', { models: ['other'] }, /has no model base, but other/],
  ])('refuses %s', async (_, more, message) => {
    const server = await serve(() => ({ body: reply(2) }), more);
    await expect(engineAt([server.url])).rejects.toThrow(message);
  });

  it('refuses servers of different versions, and one that is not there', async () => {
    const [one, other] = [
      await serve(() => ({ body: {} })),
      await serve(() => ({ body: {} }), { version: '0.12.0rc1' }),
    ];
    await expect(engineAt([one.url, other.url])).rejects.toThrow(/different versions: .* 0\.11\.0, .* 0\.12\.0rc1/);
    await expect(engineAt(['http://127.0.0.1:9/v1'])).rejects.toMatchObject({ code: 'ROLLOUT_SERVER' });
  });
});
