import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ownCache } from '../own-cache.js';
import { tinyProject } from '../tiny-project.js';
import { readLines, trainHere } from './train-here.js';

it('what a model answers before the first step is asked once for all runs that start from it', async () => {
  const cache = await ownCache();
  const project = await tinyProject({ train: 2, test: 3 });
  const first = async (name: string, ...set: string[]) => {
    const always = ['method=grpo', 'training.max_steps=1', 'training.eval_on_start=true'];
    const { end, files } = await trainHere({ project, name, set: [...always, ...set] });
    expect(await end).toBe('done');
    const [evaluation] = await readLines(files.evaluations);
    expect(evaluation!.step).toBe(0);
    return evaluation!;
  };
  const kept = () => readdir(join(cache, 'first-answers'));
  const one = await first('one');
  const [name] = await kept();
  // Another arm: other rewards, another seed, an adapter that adds nothing yet.
  expect(await first('two', 'grpo.beta=0', 'seed=5')).toEqual(one);
  expect(await kept()).toEqual([name]);

  // It is really taken from there, and not by a run that asks otherwise.
  const file = join(cache, 'first-answers', name!);
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(9);
  const changed = lines.map((line) => JSON.stringify({ ...JSON.parse(line), text: 'changed' }));
  await writeFile(file, `${changed.join('\n')}\n`);
  expect((await first('three', 'training.learning_rate=1e-5'))['qa/format']).toBe(0);
  const others = ['data.prompt=think', 'evaluation.max_samples=5', 'rollout.max_completion_length=5'];
  for (const [i, set] of others.entries()) {
    await first(`other-${i}`, set);
    expect(await kept()).toHaveLength(2 + i);
  }
});
