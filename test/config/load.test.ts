import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError, UsageError } from '../../src/errors.js';
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
      'a.yaml:7:8 data.train[0].source: must be one of vau-bench, jsonl, got "csv"',
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
    ];
    expect(await issuesOf({ 'a.yaml': `${MINIMAL}seed: 1` }, set)).toEqual([
      '--set rewards.iou.weight=1 rewards.iou: there is no such element; the list has format, accuracy, temporal_iou',
      '--set rewards.7=1 rewards.7: there is no such element; the list has format, accuracy, temporal_iou',
      '--set seed.x=1 seed: is 1, which has no “x” inside',
      '--set seed : must look like key.key=value',
      '--set =1 : must look like key.key=value',
      '--set a..b=1 : must look like key.key=value',
      expect.stringContaining('--set model.path=[ model.path: the value is not YAML'),
      '--set grpo.beta=-1 grpo.beta: must be at least 0, got -1',
      '--set grp.x.y=1 grp: there is no such option; did you mean “grpo”?',
    ]);
  });
});
