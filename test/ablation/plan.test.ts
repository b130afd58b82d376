import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAblation } from '../../src/ablation/file.js';
import { planRuns } from '../../src/ablation/plan.js';
import { folderWith } from '../folder.js';

async function plan(text: string, set?: string[]) {
  const folder = await folderWith({ 'base.yaml': 'name: base\nseed: 9\nmodel: {path: m, lora: {}}\n', 'a.yaml': text });
  const ablation = await readAblation(join(folder, 'a.yaml'));
  return (await planRuns({ ablation, set })).runs;
}

describe('planRuns', () => {
  it('makes every combination of choices and seeds', async () => {
    const runs = await plan(`
base: base.yaml
output_dir: out
seeds: [1, 2]
aa: false
axes:
  what is learned:
    - {label: All of it!}
    - {label: no IoU, set: [rewards.temporal_iou.weight=0, grpo.loss_type=dapo]}
  model.lora.target_modules: [[q_proj], [q_proj, v_proj]]
`);
    expect(runs.map(({ name }) => name)).toEqual([
      'all-of-it_model.lora.target-modules-q-proj_seed-1',
      'all-of-it_model.lora.target-modules-q-proj_seed-2',
      'all-of-it_model.lora.target-modules-q-proj-v-proj_seed-1',
      'all-of-it_model.lora.target-modules-q-proj-v-proj_seed-2',
      'no-iou_model.lora.target-modules-q-proj_seed-1',
      'no-iou_model.lora.target-modules-q-proj_seed-2',
      'no-iou_model.lora.target-modules-q-proj-v-proj_seed-1',
      'no-iou_model.lora.target-modules-q-proj-v-proj_seed-2',
    ]);
    const last = runs.at(-1)!;
    expect(last.labels).toEqual(['no IoU', '["q_proj","v_proj"]']);
    expect(last.config).toMatchObject({
      name: last.name,
      seed: 2,
      grpo: { loss_type: 'dapo' },
      model: { lora: { target_modules: ['q_proj', 'v_proj'] } },
      output_dir: join('out', last.name),
    });
    expect(last.config.rewards.map(({ weight }) => weight)).toEqual([1, 1, 0]);
  });

  it('takes the seed of the base, a default folder, values of any kind and overrides for all', async () => {
    const runs = await plan(
      'base: base.yaml\nseeds: 1\naa: false\naxes: {model.lora: [null], grpo.scale_rewards: [group, "none"]}',
      ['grpo.beta=0'],
    );
    expect(runs.map(({ name, seed }) => [name, seed])).toEqual([
      ['model.lora-null_grpo.scale-rewards-group_seed-9', 9],
      ['model.lora-null_grpo.scale-rewards-none_seed-9', 9],
    ]);
    expect(runs[1]!.config).toMatchObject({
      grpo: { beta: 0, scale_rewards: 'none' },
      output_dir: `runs/a/${runs[1]!.name}`,
    });
    expect(runs[1]!.config.model.lora).toBeUndefined();
  });

  it('leaves each reward term out once, on five seeds, and trains the base again with others', async () => {
    const runs = await plan('base: base.yaml\nleave_one_out: rewards', ['rewards.accuracy.weight=0']);
    expect([...new Set(runs.map(({ labels, isControl }) => `${labels}${isControl ? ' again' : ''}`))]).toEqual([
      'all',
      'without format',
      'without temporal_iou',
      'all again',
    ]);
    expect(runs.slice(0, 5).map(({ seed }) => seed)).toEqual([9, 10, 11, 12, 13]);
    expect(runs.slice(-5).map(({ seed }) => seed)).toEqual([1_000_009, 1_000_010, 1_000_011, 1_000_012, 1_000_013]);
    expect(runs.at(-1)).toMatchObject({ name: 'control_all_seed-1000013', isControl: true });
    expect(runs[5]!.config.rewards.map(({ weight }) => weight)).toEqual([0, 0, 1]);
  });

  it('has more seeds behind those of the file', async () => {
    const folder = await folderWith({
      'base.yaml': 'name: base\nmodel: {path: m}\n',
      'a.yaml': 'base: base.yaml\nseeds: [3, 1]\naxes: {grpo.beta: [0]}',
    });
    const { runs } = await planRuns({ ablation: await readAblation(join(folder, 'a.yaml')), more: 2 });
    expect(runs.map(({ seed }) => seed)).toEqual([3, 1, 4, 5]);
  });

  it('refuses a combination that cannot be before anything runs', async () => {
    const text = 'base: base.yaml\naxes: {rollout.num_generations: [2, 1]}';
    await expect(plan(text)).rejects.toThrow(
      '--set rollout.num_generations=1  rollout.num_generations: must be at least 2',
    );
  });

  it('refuses runs that would share a folder', async () => {
    const text = 'base: base.yaml\naa: false\naxes: {x: [{label: "a b"}, {label: "a/b"}]}';
    await expect(plan(text)).rejects.toThrow('two of its runs would be called “a-b_seed-9”');
  });
});

describe('readAblation', () => {
  it('reports every problem with its place', async () => {
    const text = 'bas: base.yaml\nprimary: tag/mIoU\nseeds: [x]\naxes:\n  grpo.beta: []\n  x: [{lable: y}]\n  y: 3\n';
    const folder = await folderWith({ 'a.yaml': text });
    const error = await readAblation(join(folder, 'a.yaml')).catch((caught: Error) => caught);
    const message = (error as Error).message.replaceAll(`${folder}/`, '');
    expect(message).toContain('a.yaml has 8 problems');
    expect(message).toContain('base: is required');
    expect(message).toContain('a.yaml:1:1  bas: there is no such option; did you mean “base”?');
    expect(message).toContain('a.yaml:3:9  seeds[0]: must be a number, got "x"');
    expect(message).toContain('a.yaml:5:3  axes.grpo.beta: must have at least 1 element, got []');
    expect(message).toContain('a.yaml:6:7  axes.x[0].label: is required');
    expect(message).toContain('a.yaml:6:8  axes.x[0].lable: there is no such option; did you mean “label”?');
    expect(message).toContain('a.yaml:7:3  axes.y: must be a list, got 3');
    expect(message).toContain(
      'a.yaml:2:1  primary: must be one of qa/accuracy, tag/miou, cls/accuracy, got "tag/mIoU"',
    );
  });
});
