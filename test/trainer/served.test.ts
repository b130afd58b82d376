import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { loadDataset } from '../../src/dataset/load.js';
import { openProcessor } from '../../src/policy/families/named.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { promptMaker } from '../../src/prompt/sample-prompt.js';
import { loadTokenizer } from '../../src/prompt/tokenizer.js';
import { runFiles } from '../../src/run/run-folder.js';
import { fakeServer } from '../rollout/engines/fake-server.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 4, test: 1 });
const tokenizer = await loadTokenizer(project.model);
const end = tokenizer.idOf('<|im_end|>');
const config = await loadConfig({ file: project.config, set: [] });
const processor = await openProcessor({ folder: project.model, config: await readModelConfig(project.model) });
const prepare = promptMaker({ processor, settings: config.data, warn: () => {} });
const samples = await loadDataset({ data: config.data, split: 'train', log: () => {} });
const prompts = await Promise.all(samples.map(prepare));

/** Says something else each time that it is asked, and shows prompts as the policy is shown them. */
let count = 0;
let waiting = 0;
/** Milliseconds that a reply takes. */
let delay = 0;
const server = await fakeServer({
  models: ['base'],
  chat: async ({ n, messages }) => {
    waiting += 1;
    const text = messages.at(-1)!.content.at(-1)!.text!;
    const prompt = prompts.find(({ tokenIds }) =>
      tokenizer.decode(tokenIds, { skipSpecialTokens: true }).includes(text),
    )!;
    const choices = Array.from({ length: n }, (_, index) => {
      const content = ['Yes', 'No', 'A', 'B', 'C'][count++ % 5]!;
      const token_ids = [...tokenizer.encode(content), end];
      const logprobs = { content: token_ids.map((_, i) => ({ logprob: -1 - i - (count % 7) / 10 })) };
      return { index, finish_reason: 'stop', message: { content }, token_ids, logprobs };
    });
    waiting -= 1;
    return { body: { prompt_token_ids: [...prompt.tokenIds], choices }, delay };
  },
});
afterAll(server.close);

const set = (more: string[]) => [
  ...['method=grpo', 'model.lora.r=2', 'model.freeze_vision=true', 'data.eval=[]', 'training.max_steps=4'],
  `rollout.engine={name: openai, base_url: "${server.url}", model: base}`,
  ...more,
];
const manifestOf = (name: string) =>
  readFile(join(runFiles(join(project.folder, name)).checkpoints, 'step-000004', 'manifest.json'), 'utf8');

it.each([0, 1])('a run that was killed goes on with what the server has said (%i ahead)', async (ahead) => {
  const options = set([`rollout.max_staleness=${ahead}`]);
  const name = `run-${ahead}`;
  const whole = await trainHere({ project, name, set: options });
  expect(await whole.end).toBe('done');
  const { completions, metrics, rollouts, checkpoints } = whole.files;
  const before = { texts: await readFile(completions, 'utf8'), manifest: await manifestOf(name) };
  const said = await readLines(rollouts);
  expect(said.map(({ step }) => step)).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  expect((await readLines(metrics)).every((line) => line['rollout/faults'] === 0)).toBe(true);
  expect((await readLines(metrics))[0]).toHaveProperty('sampling/sampling_logp_difference/mean');
  const asked = server.calls.length;

  await rm(join(checkpoints, 'step-000004'), { recursive: true });
  await rm(whole.files.finished);
  const resumed = await trainHere({ project, name, set: options, resume: true });
  expect(await resumed.end).toBe('done');
  expect(server.calls.slice(asked).filter(({ path }) => path.endsWith('completions'))).toEqual([]);
  expect(await readFile(completions, 'utf8')).toBe(before.texts);
  expect(await manifestOf(name)).toBe(before.manifest);
  expect(await readLines(rollouts)).toEqual(said);
});

it('asked to stop, waits for what is ahead, and goes on with it', async () => {
  delay = 200;
  const controller = new AbortController();
  const options = set(['rollout.max_staleness=1']);
  const onStep = (step: number) => void (step === 2 && controller.abort());
  const stopped = await trainHere({ project, name: 'stopped', set: options, signal: controller.signal, onStep });
  expect(await stopped.end).toBe('interrupted');
  delay = 0;
  const said = await readLines(stopped.files.rollouts);
  expect(said.map(({ step }) => step)).toEqual([1, 1, 2, 2, 3, 3]);
  const resumed = await trainHere({ project, name: 'stopped', set: options, resume: true });
  expect(await resumed.end).toBe('done');
  expect((await readLines(resumed.files.rollouts)).slice(0, 6)).toEqual(said);
  const steps = (await readLines(resumed.files.completions)).map(({ step }) => step);
  expect(steps).toEqual([1, 2, 3, 4].flatMap((step) => Array(8).fill(step)));
});

it('gives the server the weights of the step before where it samples ahead', async () => {
  const adapters = () =>
    server.calls.flatMap(({ path, body }) => (path.endsWith('completions') ? [String(body.model)] : []));
  const versions = async (name: string, more: string[]) => {
    const start = adapters().length;
    const { end: ended } = await trainHere({ project, name, set: set(more) });
    expect(await ended).toBe('done');
    return adapters()
      .slice(start)
      .map((model) => Number(/-(\d+)$/.exec(model)![1]));
  };
  expect(await versions('now', [])).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  expect(await versions('ahead', ['rollout.max_staleness=1'])).toEqual([0, 0, 0, 0, 1, 1, 2, 2]);
  const every = ['rollout.engine.sync_steps=2'];
  expect(await versions('seldom', every)).toEqual([0, 0, 0, 0, 2, 2, 2, 2]);
  expect(waiting).toBe(0);
});

it.each([
  ['rollout.engine', ['model.lora=null'], /needs model\.lora/],
  ['rollout.engine', ['model.freeze_vision=false'], /needs model\.freeze_vision/],
  ['rollout.max_staleness', ['rollout.engine={name: local}', 'rollout.max_staleness=1'], /samples elsewhere/],
  ['rollout.max_staleness', ['rollout.max_staleness=1', 'grpo.dynamic_sampling=true'], /cannot go with/],
])('%s: %j is refused', async (_, more, message) => {
  await expect(loadConfig({ file: project.config, set: set(more) })).rejects.toThrow(message);
});
