import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { ablate, openWork, takePart } from '../../src/ablation/ablate.js';
import { comparisonTable } from '../../src/ablation/compare-text.js';
import { readAblation } from '../../src/ablation/file.js';
import { planRuns } from '../../src/ablation/plan.js';
import { Runner } from '../../src/ablation/runner.js';
import { summaryTable } from '../../src/ablation/summary.js';
import { folderWith } from '../folder.js';

const TRAIN = [process.execPath, fileURLToPath(new URL('fake-train.mjs', import.meta.url))];

const NEVER = new AbortController().signal;

let folder: string;
beforeEach(async () => {
  folder = await folderWith({ 'base.yaml': 'name: base\nmodel: {path: m}\n' });
  const axes = 'grpo.beta: [0, 0.5]';
  await writeFile(
    join(folder, 'a.yaml'),
    `base: base.yaml\noutput_dir: ${folder}/out\nseeds: [1, 2]\naa: false\naxes: {${axes}}\n`,
  );
});

/** One `ablate`; `onLine` sees what is printed and may stop the runner. */
async function start({
  parallel = 1,
  more = 0,
  onLine = () => {},
}: {
  parallel?: number;
  more?: number;
  onLine?: (line: string, stop: AbortController) => void;
} = {}) {
  const finish = new AbortController();
  const ablation = await readAblation(join(folder, 'a.yaml'));
  const plan = await planRuns({ ablation, more });
  const printed: string[] = [];
  const print = (line: string) => {
    printed.push(line);
    onLine(line, finish);
  };
  const runner = new Runner({ parallel, print, stop: { finish: finish.signal, leave: NEVER } });
  const { outcomes, comparisons, failed } = await ablate({ ablation, plan, train: TRAIN, runner });
  return {
    printed,
    failed: failed.map(({ name }) => name),
    table: summaryTable(['grpo.beta'], outcomes),
    comparisons,
    outcomes,
  };
}

const calls = async () => (await readFile(join(folder, 'calls.txt'), 'utf8')).trimEnd().split('\n');

describe('ablate', () => {
  it('trains the grid and sums up over seeds', async () => {
    const { table, failed } = await start({ parallel: 2 });
    expect(failed).toEqual([]);
    expect((await calls()).sort()).toEqual([
      'grpo.beta-0.5_seed-1',
      'grpo.beta-0.5_seed-2',
      'grpo.beta-0_seed-1',
      'grpo.beta-0_seed-2',
    ]);
    expect(table).toBe(
      [
        'grpo.beta  seeds         reward    qa/accuracy',
        '─────────  ─────  ─────────────  ─────────────',
        '0              2  1.500 ± 0.707  0.500 ± 0.000',
        '0.5            2  2.000 ± 0.707  0.500 ± 0.000',
        '',
      ].join('\n'),
    );
    expect(await readFile(join(folder, 'out/ablation.csv'), 'utf8')).toBe(
      'grpo.beta,seed,step,reward,qa/accuracy\n0,1,3,1,0.5\n0,2,3,2,0.5\n0.5,1,3,1.5,0.5\n0.5,2,3,2.5,0.5\n',
    );
    const json = JSON.parse(await readFile(join(folder, 'out/ablation.json'), 'utf8'));
    expect(json.axes).toEqual(['grpo.beta']);
    expect(json.runs[3]).toMatchObject({ labels: ['0.5'], arm: '0.5', seed: 2, step: 3, evaluation: { reward: 2.5 } });
    expect(json.summary[0].metrics.reward).toEqual({ mean: 1.5, std: Math.SQRT1_2, seeds: 2 });
  });

  it('tries a run that fails once more', async () => {
    await writeFile(join(folder, 'stumble-grpo.beta-0_seed-2'), '');
    const { failed, table } = await start();
    expect(failed).toEqual([]);
    expect(table).toMatch(/^0 +2 +1\.500/m);
    expect(await calls()).toHaveLength(5);
  });

  it('goes on when a run fails, and tries that one alone when started again', async () => {
    await writeFile(join(folder, 'fail-grpo.beta-0_seed-2'), '');
    const first = await start();
    expect(first.failed).toEqual(['grpo.beta-0_seed-2']);
    expect(first.printed).toContain('grpo.beta-0_seed-2: failed');
    expect(first.table).toMatch(/^0 +1\/2 +1\.000 +0\.500$/m);
    expect(await readFile(join(folder, 'out/logs/grpo.beta-0_seed-2.log'), 'utf8')).toContain('out of luck');
    expect(first.outcomes.find(({ finished }) => finished === undefined)?.reason).toBeTypeOf('string');

    await rm(join(folder, 'fail-grpo.beta-0_seed-2'));
    const again = await start();
    expect(again.failed).toEqual([]);
    expect((await calls()).slice(5)).toEqual(['grpo.beta-0_seed-2']);
    expect(again.table).toMatch(/^0 +2 +1\.500 ± 0\.707/m);
    await start();
    expect(await calls()).toHaveLength(6);
  });

  it('is shared out: each run is trained by one of those who take part, and what a dead one was at by another', async () => {
    const ablation = await readAblation(join(folder, 'a.yaml'));
    const plan = await planRuns({ ablation });
    const dead = join(folder, 'out', 'claims', `${plan.runs[1]!.name}.lock`);
    await mkdir(dirname(dead), { recursive: true });
    await writeFile(dead, JSON.stringify({ token: 'x', host: hostname(), pid: 2 ** 22 + 1 }));
    const printed: string[][] = [[], []];
    const left = await Promise.all(
      printed.map((lines) => {
        const stop = { finish: NEVER, leave: NEVER };
        const runner = new Runner({ parallel: 1, print: (line) => lines.push(line), stop });
        return takePart({ ablation, plan, train: TRAIN, runner });
      }),
    );
    expect(left).toEqual([[], []]);
    expect((await calls()).length).toBe(4);
    const started = printed.flat().filter((line) => line.includes(': started'));
    expect(started.map((line) => line.split(':')[0]).sort()).toEqual(plan.runs.map(({ name }) => name).sort());
  });

  it('looks again once a run is its own: others may have begun or finished it since', async () => {
    const ablation = await readAblation(join(folder, 'a.yaml'));
    const plan = await planRuns({ ablation });
    const work = await openWork({ ablation, runs: plan.runs, train: TRAIN, isShared: true });
    const jobs = work.flatMap(({ job }) => job ?? []);
    const runner = () => new Runner({ parallel: 1, print: () => {}, stop: { finish: NEVER, leave: NEVER } });
    await runner().run(jobs.slice(0, 2));
    await rm(join(folder, 'out', plan.runs[1]!.name, 'finished.json'));
    expect((await runner().run(jobs)).map(({ end }) => end)).toEqual(['elsewhere', 'done', 'done', 'done']);
    const [first, second, third, fourth] = plan.runs.map(({ name }) => name);
    expect(await calls()).toEqual([first, second, `${second} resume=latest`, third, fourth]);
  });

  it('stops when it is asked to, and resumes the run that was begun', async () => {
    await writeFile(join(folder, 'hang-grpo.beta-0_seed-2'), '');
    const stopped = await start({ onLine: (line, stop) => line.endsWith(': hanging') && stop.abort() });
    expect(stopped.printed).toContain('grpo.beta-0_seed-2: interrupted');
    expect(await calls()).toEqual(['grpo.beta-0_seed-1', 'grpo.beta-0_seed-2']);

    await rm(join(folder, 'hang-grpo.beta-0_seed-2'));
    expect((await start()).failed).toEqual([]);
    expect((await calls()).slice(2)).toEqual([
      'grpo.beta-0_seed-2 resume=latest',
      'grpo.beta-0.5_seed-1',
      'grpo.beta-0.5_seed-2',
    ]);
  });

  it('compares each arm with the first, sample by sample, once there are seeds enough', async () => {
    const { comparisons: few } = await start();
    expect(few).toMatchObject([
      { metric: 'qa/accuracy', seeds: 2, verdict: 'too few seeds', p: null, difference: null },
    ]);
    const { comparisons } = await start({ more: 3 });
    expect(await calls()).toHaveLength(10);
    const [worse] = comparisons;
    expect(worse).toMatchObject({ labels: ['0.5'], seeds: 5, samples: 200, videos: 100, verdict: 'worse' });
    expect(worse!.base).toBeCloseTo(0.7, 1);
    expect(worse!.difference!.difference).toBeCloseTo(-0.2, 2);
    expect(worse!.difference!.high).toBeLessThan(0);
    expect(worse!.p).toBeLessThan(0.05);
    expect(worse!.improvement).toBe(0);
    const json = JSON.parse(await readFile(join(folder, 'out/ablation.json'), 'utf8'));
    expect(json.comparisons).toEqual(JSON.parse(JSON.stringify(comparisons)));
    expect(json.curves).toEqual([
      { labels: ['0'], term: 'format', area: 2, steps: 3 },
      { labels: ['0.5'], term: 'format', area: 1, steps: null },
    ]);
    expect(comparisonTable({ axes: ['grpo.beta'], comparisons, base: ['0'] })).toMatch(
      /^qa\/accuracy +0\.5 +−0\.199.*< 0\.001 +worse$/m,
    );
  });

  it('does not take a run with other options for one of its own', async () => {
    await start();
    await writeFile(join(folder, 'base.yaml'), 'name: base\nmodel: {path: m}\ntraining: {max_steps: 7}\n');
    await expect(start()).rejects.toMatchObject({ code: 'ABLATION_STALE', exitCode: 2 });
  });

  it('reports a program that cannot be started', async () => {
    const runner = new Runner({ parallel: 1, print: () => {}, stop: { finish: NEVER, leave: NEVER } });
    const job = { name: 'x', command: [join(folder, 'nothing')], log: join(folder, 'x.log') };
    expect(await runner.run([job])).toEqual([{ end: 'failed', said: expect.stringContaining('ENOENT') }]);
  });
});
