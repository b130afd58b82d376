import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { command as evaluateCommand } from '../../src/cli/commands/evaluate.js';
import { loadConfig } from '../../src/config/load.js';
import { VAU_BENCH_CLASSES } from '../../src/dataset/classes.js';
import { writeAnnotations } from '../../src/dataset/convert.js';
import { readAnnotations } from '../../src/dataset/read.js';
import { writeTinyModel } from '../../src/quickstart/tiny-model.js';
import { packageFile } from '../../src/system/package-file.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { planRun } from '../../src/trainer/plan.js';
import { runCommand } from '../cli/commands/run.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 6, test: 2 });
await startRuntime({ report: () => {} });

/** The stand-in for the model that a config names: random weights of its family. */
const families = { 'Qwen2-VL': 'qwen2_vl', 'Qwen2.5-VL': 'qwen2_5_vl', 'Qwen3-VL': 'qwen3_vl' } as const;
for (const family of Object.values(families))
  await writeTinyModel({ folder: join(project.folder, family), seed: 1, family });

/** Both files of VAU-Bench, a row a clip, made of the clips' lines. */
for (const split of ['train', 'test']) {
  const clips = join(project.folder, 'clips');
  const lines = async (name: string) =>
    (await readFile(join(clips, name), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const rows = new Map<string, Record<string, unknown>>();
  for (const { id: _, task: __, ...line } of [
    ...(await lines(`${split}.jsonl`)),
    ...(await lines(`${split}-reasoning.jsonl`)),
  ])
    rows.set(line.video, { ...rows.get(line.video), ...line });
  const known = [...rows.values()].filter(({ class: label }) => VAU_BENCH_CLASSES.includes(label as string));
  const file = join(project.folder, `${split}.jsonl`);
  await writeFile(file, known.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const { annotations } = await readAnnotations({ source: 'jsonl', file, classes: VAU_BENCH_CLASSES });
  await writeFile(join(project.folder, `${split}.csv`), writeAnnotations({ annotations, format: 'vau-bench' }));
}

const folder = packageFile('configs');
const configs = (await readdir(folder, { recursive: true }))
  .filter(
    (name) => name.endsWith('.yaml') && !basename(name).startsWith('ablate-') && !/(^|[/-])base\.yaml$/.test(name),
  )
  .sort();

/** What makes a config small enough to be tried: another model, other data, few tokens. */
async function smaller(name: string): Promise<string[]> {
  const { model, data, rewards } = await loadConfig({ file: join(folder, name) });
  const family = Object.entries(families).find(([title]) => model.path.includes(`${title}-`))?.[1] ?? 'qwen2_vl';
  const sources = (['train', 'eval'] as const).flatMap((split) =>
    data[split].flatMap(({ source }, i) => {
      const kind = split === 'train' ? 'train' : 'test';
      const file = source === 'jsonl' ? join('clips', `${kind}.jsonl`) : `${kind}.csv`;
      return [
        `data.${split}.${i}.annotations=${join(project.folder, file)}`,
        `data.${split}.${i}.videos=${project.videos}`,
      ];
    }),
  );
  const pixels = family === 'qwen3_vl' ? 128 ** 2 : 84 ** 2;
  return [
    `model.path=${join(project.folder, family)}`,
    ...sources,
    ...rewards.flatMap((term, i) => (term.name === 'module' ? [`rewards.${i}.path=${packageFile(term.path)}`] : [])),
    `data.video.max_frames=4`,
    `data.video.min_pixels=${pixels}`,
    `data.video.max_pixels=${pixels}`,
    'rollout.max_completion_length=12',
    'training.max_steps=2',
    'training.warmup_steps=0',
    'training.eval_steps=0',
    'evaluation.max_samples=2',
  ];
}

it('there is one for each training of the paper', () => {
  const trainings = ['qa', 'tag', 'cls', 'qa-tag', 'qa-tag-cls', 'sft-qa', 'sft-tag', 'sft-cls', 'sft-description'];
  expect(
    configs
      .filter((name) => name.startsWith('vau-r1'))
      .map((name) => basename(name, '.yaml'))
      .filter((name) => name !== 'evaluate')
      .sort(),
  ).toEqual(trainings.toSorted());
});

it.each(configs)('%s is planned, and runs two steps with its tasks and rewards', async (name) => {
  const file = join(folder, name);
  const set = await smaller(name);
  const config = await loadConfig({ file, set });
  const plan = await planRun({ config, type: 'float32', warn: () => {} });
  expect(plan.stepTime).toBeGreaterThan(0);
  expect(Object.values(plan.shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10);

  const { end, files, warnings } = await trainHere({
    project: { ...project, config: file },
    name: name.replace('/', '-'),
    set,
  });
  expect(await end).toBe('done');
  const metrics = await readLines(files.metrics);
  expect(metrics).toHaveLength(2);
  for (const line of metrics) expect(Number.isFinite(line.loss)).toBe(true);
  if (config.method === 'grpo')
    for (const { name: term } of config.rewards.filter((term) => term.name !== 'module'))
      expect(metrics[0], term).toHaveProperty([`rewards/${term}/mean`]);
  expect(warnings.filter((text) => text.includes('the reward'))).toEqual([]);
});

it('vau-r1/evaluate.yaml makes every table of the paper, and those that it lacks', async () => {
  const name = 'vau-r1/evaluate.yaml';
  const set = [...(await smaller(name)), 'evaluation.max_samples=16', `output_dir=${join(project.folder, 'tables')}`];
  const options = set.flatMap((option) => ['--set', option]);
  const { stdout } = await runCommand(evaluateCommand, ['evaluate', join(folder, name), ...options, '--json']);
  const { report } = JSON.parse(stdout);
  const tables = (report.sections as { prompt: string; task: string; source: string }[])
    .filter(({ source }) => source === 'all')
    .map(({ prompt, task }) => `${task} ${prompt}`);
  expect(tables.toSorted()).toEqual(
    ['qa', 'tag', 'cls', 'reasoning'].flatMap((task) => [`${task} direct`, `${task} think`]).toSorted(),
  );
  const metrics = (report.sections as { figures: { metric: string }[] }[]).flatMap(({ figures }) =>
    figures.map(({ metric }) => metric),
  );
  for (const metric of [
    'accuracy',
    'option_consistency',
    'anomaly/recall@0.7',
    'frame_auc',
    'macro_f1',
    'blind_gap',
    'rouge_l',
  ])
    expect(metrics).toContain(metric);
  process.exitCode = undefined;
});
