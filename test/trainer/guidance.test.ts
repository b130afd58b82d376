import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { loadDataset } from '../../src/dataset/load.js';
import { openProcessor } from '../../src/policy/families/named.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { encodeCompletion } from '../../src/prompt/build.js';
import { expectedCompletion } from '../../src/tasks/words.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

const project = await tinyProject({ train: 12, test: 2 });

interface Line {
  step: number;
  sample_id: string;
  generation: number;
  text: string;
  completion_ids: number[];
  rewards: Record<string, number>;
  advantage: number;
  annotated?: true;
}

it('the annotated answer takes the place of one completion where all are wrong alike, and is not in the metrics', async () => {
  const sft = await trainHere({
    project,
    name: 'sft',
    set: ['training.max_steps=30', 'training.save_steps=30', 'training.prompts_per_step=8'],
  });
  await sft.end;
  const set = [
    'method=grpo',
    `model.path=${join(sft.files.checkpoints, 'step-000030')}`,
    'training.max_steps=3',
    'training.prompts_per_step=8',
    'grpo.guide_all_wrong=true',
  ];
  const { end, files } = await trainHere({ project, name: 'grpo', set });
  expect(await end).toBe('done');
  const metrics = await readLines(files.metrics);
  const lines = (await readLines(files.completions)) as unknown as Line[];
  const annotated = lines.filter((line) => line.annotated);
  expect(annotated.length).toBe(metrics.reduce((sum, line) => sum + line['groups/guided']!, 0));
  expect(annotated.length).toBeGreaterThan(0);

  const config = await loadConfig({ file: project.config, set });
  const samples = new Map(
    (await loadDataset({ data: config.data, split: 'train', log: () => {} })).map((s) => [s.id, s]),
  );
  const processor = await openProcessor({ folder: project.model, config: await readModelConfig(project.model) });
  for (const line of annotated) {
    const text = expectedCompletion({ sample: samples.get(line.sample_id)!, style: 'direct' });
    expect(line).toMatchObject({ text, generation: 0, rewards: { format: 1, accuracy: 1 } });
    expect(line.completion_ids).toEqual([...encodeCompletion({ processor, text })]);
    const others = lines.filter(
      ({ step, sample_id, generation }) => step === line.step && sample_id === line.sample_id && generation > 0,
    );
    // One good completion of four: (1 − 1/4) / std, with the unbiased std of one among three, 1/2.
    expect(line.advantage).toBeCloseTo(1.5, 2);
    for (const { advantage, rewards } of others) {
      expect(advantage).toBeCloseTo(-0.5, 2);
      expect(rewards.accuracy).toBe(0);
    }
  }
  // The policy's own first completion is what the metrics are of: wrong, in a group without spread.
  for (const { step, ...line } of metrics) {
    const own = lines.filter((one) => one.step === step && !one.annotated);
    expect(line['groups/zero_variance']).toBeGreaterThanOrEqual(line['groups/guided']! / 8);
    const right = own.filter(({ rewards }) => rewards.accuracy === 1).length;
    expect(line['rewards/accuracy/mean']).toBeCloseTo(right / 32, 6);
  }
});
