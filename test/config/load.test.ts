import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError, UsageError } from '../../src/system/errors.js';
import { folderWith } from '../folder.js';

const MINIMAL = 'name: a\nmodel: {path: m}\n';

/** The issues of a config that cannot be loaded, as `place path: message`, places without their folder. */
async function issuesOf(files: Record<string, string>, set: string[] = []): Promise<string[]> {
  const folder = await folderWith(files);
  const error = await loadConfig({ file: join(folder, 'a.yaml'), set }).catch((caught: unknown) => caught);
  if (!(error instanceof ConfigError)) throw error;
  return error.issues.map(({ place, path, message }) => `${place?.replace(`${folder}/`, '')} ${path}: ${message}`);
}

describe('loadConfig', () => {
  it('fills in the defaults of the reference method', async () => {
    const folder = await folderWith({ 'a.yaml': MINIMAL });
    const config = await loadConfig({ file: join(folder, 'a.yaml') });
    expect(config).toMatchObject({
      method: 'grpo',
      model: { dtype: 'auto', freeze_vision: true },
      rollout: { num_generations: 8, temperature: 1, top_p: 1, top_k: 0 },
      rewards: [
        { name: 'format', weight: 1 },
        { name: 'accuracy', weight: 1 },
        { name: 'temporal_iou', weight: 1 },
      ],
      grpo: { beta: 0.04, loss_type: 'grpo', scale_rewards: 'group', epsilon: 0.2, num_iterations: 1 },
      training: { learning_rate: 1e-6, adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, max_grad_norm: 1 },
      output_dir: 'runs/a',
    });
    expect(config.model.lora).toBeUndefined();
  });

  it('takes words from files, and keeps them in their place', async () => {
    const words = { 'tag.txt': 'When?\nIn seconds.\n\n', 'empty.txt': ' \n' };
    const folder = await folderWith({ 'a.yaml': MINIMAL, ...words });
    const config = await loadConfig({
      file: join(folder, 'a.yaml'),
      set: [`data.prompt_templates.tag={file: ${join(folder, 'tag.txt')}}`, 'data.prompt_templates.qa=What?'],
    });
    expect(config.data.prompt_templates).toEqual({ tag: 'When?\nIn seconds.', qa: 'What?' });
    const text = `${MINIMAL}data:\n  system_prompt: {file: gone.txt}\n  prompt_templates: {cls: {file: ${join(folder, 'empty.txt')}}}\n`;
    expect((await issuesOf({ 'a.yaml': text })).sort()).toEqual([
      expect.stringContaining('gone.txt cannot be read: there is no such file'),
      expect.stringMatching(/data\.prompt_templates\.cls: .*empty\.txt cannot be read: it is empty/),
    ]);
  });

  it('reports every problem at once, each with its place', async () => {
    const text = [
      'name: a b',
      'metod: grpo',
      'seed: 1.5',
      'model: {freeze_vision: 1}',
      'data:',
      '  train:',
      '    - {source: csv, annotations: a, videos: v}',
      '    - {source: vau-bench, annotations: "", videos: v, tsk: tag}',
      'rollout: {top_p: 2, num_generations: 1}',
      'training: {max_steps: 0, warmup_steps: 1.5}',
    ].join('\n');
    expect((await issuesOf({ 'a.yaml': text })).sort()).toEqual([
      'a.yaml:10:12 training.max_steps: must be more than 0, got 0',
      'a.yaml:10:26 training.warmup_steps: must be a whole number, got 1.5',
      'a.yaml:1:1 name: may hold letters, digits, “_”, “-” and “.”: it names a folder, got "a b"',
      'a.yaml:2:1 metod: there is no such option; did you mean “method”?',
      'a.yaml:3:1 seed: must be a whole number, got 1.5',
      'a.yaml:4:1 model.path: is required',
      'a.yaml:4:9 model.freeze_vision: must be true or false, got 1',
      'a.yaml:7:8 data.train[0].source: must be one of vau-bench, jsonl, parquet, hivau, vad-reasoning, got "csv"',
      'a.yaml:8:27 data.train[1].annotations: must not be empty, got ""',
      'a.yaml:8:55 data.train[1].tsk: there is no such option; did you mean “task”?',
      'a.yaml:8:7 data.train[1].task: is required',
      'a.yaml:9:11 rollout.top_p: must be at most 1, got 2',
      'a.yaml:9:21 rollout.num_generations: must be at least 2: a completion is compared with the others of its group',
    ]);
  });

  it('names the file in its message', async () => {
    const folder = await folderWith({ 'a.yaml': 'name: a\nseed: x\nmodel: {path: m}' });
    const file = join(folder, 'a.yaml');
    await expect(loadConfig({ file })).rejects.toThrow(
      `${file} has one problem:\n  ${file}:2:1  seed: must be a number, got "x"`,
    );
  });

  it('reports YAML that is not well-formed with its place', async () => {
    expect(await issuesOf({ 'a.yaml': 'name: a\nname: b\nmodel: {path: m' })).toEqual([
      'a.yaml:2:1 : Map keys must be unique',
      expect.stringMatching(/^a\.yaml:3:16 : Flow map .* end with a }/),
    ]);
    expect(await issuesOf({ 'a.yaml': 'just a text' })).toEqual(['undefined : must be a map of options']);
    expect(await issuesOf({ 'a.yaml': 'name: !!js/function x' })).toEqual([expect.stringContaining('Unresolved tag')]);
  });

  it('does not unfold aliases without end', async () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
    expect(await issuesOf({ 'a.yaml': ['l0: &l0 [x]', ...levels].join('\n') })).toEqual([
      expect.stringContaining('Excessive alias count'),
    ]);
  });

  it('takes no key for a prototype', async () => {
    expect(await issuesOf({ 'a.yaml': `${MINIMAL}__proto__: {seed: 1}\n` })).toEqual([
      'a.yaml:3:1 __proto__: there is no such option',
    ]);
    expect(await issuesOf({ 'a.yaml': MINIMAL }, ['__proto__.seed=1'])).toEqual([
      '--set __proto__.seed=1 __proto__: there is no such option',
    ]);
    expect(({} as { seed?: number }).seed).toBeUndefined();
  });

  it('says where an option of other trainers is here', async () => {
    const text = [
      'name: a',
      'model: {path: m, torch_dtype: bfloat16, lora: {lora_dropout: 0.1}}',
      'learning_rate: 1e-6',
      'numGenerations: 8',
      'weight: 1',
      'per_device_train_batch_size: 1',
      'use_peft: true',
      'lora_r: 16',
      'training: {report_to: wandb, beta: 0.1}',
      '<<: {seed: 1}',
    ].join('\n');
    expect(await issuesOf({ 'a.yaml': text })).toEqual([
      'a.yaml:2:48 model.lora.lora_dropout: there is no such option; adapters are trained without dropout; leave it out',
      'a.yaml:2:18 model.torch_dtype: there is no such option; it is model.dtype (auto, bfloat16 or float32)',
      'a.yaml:9:12 training.report_to: there is no such option; metrics.jsonl in the run’s folder always has them; leave it out',
      'a.yaml:9:30 training.beta: there is no such option; it is grpo.beta',
      'a.yaml:3:1 learning_rate: there is no such option; it is training.learning_rate',
      'a.yaml:4:1 numGenerations: there is no such option; it is rollout.num_generations',
      'a.yaml:5:1 weight: there is no such option; it is data.train[].weight or data.eval[].weight or rewards[].weight',
      'a.yaml:6:1 per_device_train_batch_size: there is no such option; it is training.prompts_per_step, which counts prompts, not completions',
      'a.yaml:7:1 use_peft: there is no such option; give a map model.lora to train an adapter; without it all weights are trained',
      'a.yaml:8:1 lora_r: there is no such option; it is model.lora.r',
      'a.yaml:10:1 <<: there is no such option; YAML 1.2 has no merge keys: take extends, or repeat the options',
    ]);
  });

  it('says how YAML 1.2 writes truth and numbers', async () => {
    const text = `${MINIMAL}seed: "7"\ntraining: {learning_rate: '5e-7', max_steps: 1_000}`;
    const issues = await issuesOf({ 'a.yaml': text }, ['model.freeze_vision=yes', 'grpo.beta=none']);
    expect(issues.toSorted()).toEqual([
      '--set grpo.beta=none grpo.beta: must be a number, got "none"',
      '--set model.freeze_vision=yes model.freeze_vision: must be true or false, got "yes"; write true, without quotes',
      'a.yaml:3:1 seed: must be a number, got "7"; write 7, without quotes',
      'a.yaml:4:12 training.learning_rate: must be a number, got "5e-7"; write 5e-7, without quotes',
      'a.yaml:4:35 training.max_steps: must be a number, got "1_000"; write 1000, without quotes',
    ]);
  });

  it('reads a byte order mark, other line ends, and small numbers', async () => {
    const text = `\ufeffname: crlf\r\nmodel: {path: x}\r\ntraining: {learning_rate: 5e-7}\r\n`;
    const folder = await folderWith({ 'a.yaml': text });
    const { name, training } = await loadConfig({ file: join(folder, 'a.yaml') });
    expect([name, training.learning_rate]).toEqual(['crlf', 5e-7]);
    expect(await issuesOf({ 'a.yaml': `${text}sed: 1\r\n` })).toEqual([
      'a.yaml:4:1 sed: there is no such option; did you mean “seed”?',
    ]);
  });

  it('refuses numbers that nothing can be made of', async () => {
    const set = [
      'model.lora.r=1e9',
      'data.video.min_pixels=1e300',
      'rollout.num_generations=100000',
      'training.max_steps=1e15',
    ];
    expect(await issuesOf({ 'a.yaml': MINIMAL }, set)).toEqual([
      '--set model.lora.r=1e9 model.lora.r: must be at most 8192, got 1000000000',
      '--set data.video.min_pixels=1e300 data.video.min_pixels: must be at most 67108864, got 1e+300',
      '--set rollout.num_generations=100000 rollout.num_generations: must be at most 4096, got 100000',
      '--set training.max_steps=1e15 training.max_steps: must be at most 2147483647, got 1000000000000000',
    ]);
  });

  it('tells the first of very many problems', async () => {
    const keys = Array.from({ length: 5000 }, (_, i) => `key${i}: 1`);
    const folder = await folderWith({ 'a.yaml': [MINIMAL, ...keys].join('\n') });
    const error = await loadConfig({ file: join(folder, 'a.yaml') }).catch((caught: Error) => caught);
    const lines = (error as ConfigError).message.split('\n');
    expect(lines).toHaveLength(52);
    expect(lines[0]).toMatch(/has 5000 problems/);
    expect(lines.at(-1)).toBe('  … and 4950 more');
  });

  it('says what stands where a config should', async () => {
    const files = { 'latin.yaml': Buffer.from('name: caf\xe9', 'latin1'), 'large.yaml': `x: ${'a'.repeat(200_000)}` };
    const folder = await folderWith(files);
    const reason = async (name: string) => {
      const error = await loadConfig({ file: join(folder, name) }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'CONFIG_NOT_READABLE', exitCode: 2 });
      return (error as Error).message.split(' cannot be read: ')[1];
    };
    expect(await reason('.')).toBe('it is a folder, not a file');
    expect(await reason('latin.yaml')).toMatch(/^it is not text in UTF-8: save it as UTF-8/);
    expect(await reason('large.yaml')).toBe('it has 200003 bytes, and no config has more than 131072');
    expect(await reason('latin.yaml/x')).toMatch(/ENOTDIR/);
    await expect(loadConfig({ file: '/dev/zero' })).rejects.toThrow('it is a device, not a file');
  });

  it('says which file is missing', async () => {
    const folder = await folderWith({ 'a.yaml': 'extends: b.yaml' });
    const error = await loadConfig({ file: join(folder, 'a.yaml') }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: 'CONFIG_NOT_READABLE', exitCode: 2 });
    expect((error as Error).message).toContain(join(folder, 'b.yaml'));
  });
});

describe('extends', () => {
  it('lays maps on maps, replaces lists, and takes back what is null', async () => {
    const folder = await folderWith({
      'c.yaml': 'model: {path: m, lora: {r: 4}}\nseed: 1\nrewards: [{name: format}, {name: accuracy}]',
      'b.yaml': 'extends: c.yaml\nmodel: {dtype: float32}\ntraining: {max_steps: 5}',
      'a.yaml': 'extends: b.yaml\nname: a\nmodel: {lora: null}\nrewards: [{name: accuracy, weight: 2}]',
    });
    const config = await loadConfig({ file: join(folder, 'a.yaml') });
    expect(config.model).toEqual({ path: 'm', dtype: 'float32', freeze_vision: true });
    expect(config.rewards).toEqual([{ name: 'accuracy', weight: 2 }]);
    expect([config.seed, config.training.max_steps]).toEqual([1, 5]);
  });

  it('is relative to the file that says it, and problems keep their file', async () => {
    const issues = await issuesOf({ 'b.yaml': 'model: {path: m}\nsede: 3', 'a.yaml': 'extends: ./b.yaml\nname: a' });
    expect(issues).toEqual(['b.yaml:2:1 sede: there is no such option; did you mean “seed”?']);
  });

  it('refuses a circle', async () => {
    const issues = await issuesOf({ 'a.yaml': 'extends: b.yaml', 'b.yaml': 'x: 1\nextends: a.yaml' });
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(
      /^b\.yaml:2:1 extends: files extend each other in a circle: .*a\.yaml → .*b\.yaml → .*a\.yaml$/,
    );
  });

  it('refuses what is not a path', async () => {
    expect(await issuesOf({ 'a.yaml': 'extends: [b.yaml]' })).toEqual([
      'a.yaml:1:1 extends: must be the path of a file, got ["b.yaml"]',
    ]);
  });
});

describe('--set', () => {
  const load = async (set: string[], text = MINIMAL) =>
    loadConfig({ file: join(await folderWith({ 'a.yaml': text }), 'a.yaml'), set });

  it('reads values as YAML', async () => {
    const set = ['training.learning_rate=2e-5', 'model.freeze_vision=false', 'model.path=a=b', 'data.classes=[x, y]'];
    const config = await load(set);
    expect(config.training.learning_rate).toBe(2e-5);
    expect(config.model).toMatchObject({ freeze_vision: false, path: 'a=b' });
    expect(config.data.classes).toEqual(['x', 'y']);
  });

  it('reaches rewards by index and by name, also those that no file names', async () => {
    const config = await load(['rewards.temporal_iou.weight=0', 'rewards.0.weight=3']);
    expect(config.rewards.map(({ weight }) => weight)).toEqual([3, 1, 0]);
  });

  it('lets the last one win, and null unset', async () => {
    const config = await load(['seed=1', 'seed=2', 'model.lora=null'], 'name: a\nmodel: {path: m, lora: {}}');
    expect([config.seed, config.model.lora]).toEqual([2, undefined]);
  });

  it('reports what cannot be set together with all else', async () => {
    const set = [
      'rewards.iou.weight=1',
      'rewards.7=1',
      'seed.x=1',
      'seed',
      '=1',
      'a..b=1',
      'model.path=[',
      'grpo.beta=-1',
      'grp.x.y=1',
      `a${'.b'.repeat(5000)}=1`,
      'model=&m {path: x, lora: *m}',
    ];
    expect(await issuesOf({ 'a.yaml': `${MINIMAL}seed: 1` }, set)).toEqual([
      '--set rewards.iou.weight=1 rewards.iou: there is no such element; the list has format, accuracy, temporal_iou',
      '--set rewards.7=1 rewards.7: there is no such element; the list has format, accuracy, temporal_iou',
      '--set seed.x=1 seed: is 1, which has no “x” inside',
      '--set seed : must look like key.key=value',
      '--set =1 : must look like key.key=value',
      '--set a..b=1 : must look like key.key=value',
      expect.stringContaining('--set model.path=[ model.path: the value is not YAML'),
      expect.stringMatching(/ a: no option lies 5001 levels deep$/),
      expect.stringMatching(/ model: the value is not YAML that can be used: is an alias of what it stands in/),
      '--set grpo.beta=-1 grpo.beta: must be at least 0, got -1',
      '--set grp.x.y=1 grp: there is no such option; did you mean “grpo”?',
    ]);
  });
});
