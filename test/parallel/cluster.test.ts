import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { clusterOptions } from '../../src/cli/actions/cluster.js';
import { freePorts } from '../../src/system/free-ports.js';
import { packageFile } from '../../src/system/package-file.js';
import { findAddon } from '../../src/tensor/setup/index.js';
import { tinyProject } from '../tiny-project.js';

const dist = packageFile('dist');
/** TensorFlow's addon has to be one that we have built. */
const canJoin = (await findAddon())?.source === 'cache' && process.env.VAU_RFT_BACKEND !== 'wasm';

async function runProcess(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

describe.runIf(canJoin)('processes that are joined by TensorFlow', () => {
  it.each([2, 3])('%i of them: all hear the same, and sum to the same bits', { timeout: 120_000 }, async (count) => {
    const hosts = (await freePorts(count)).map((port) => `127.0.0.1:${port}`).join(',');
    const script = fileURLToPath(new URL('cluster-process.mjs', import.meta.url));
    const ended = await Promise.all(
      Array.from({ length: count }, (_, rank) => runProcess([script, String(rank), hosts, dist])),
    );
    for (const { code, stderr } of ended) expect(code, stderr).toBe(0);
    const said = ended.map(({ stdout }) => JSON.parse(stdout));
    expect(said.map(({ rank, size }) => [rank, size])).toEqual(Array.from({ length: count }, (_, i) => [i, count]));
    for (const { rank: _, ...own } of said) expect(own).toEqual({ ...said[0], rank: undefined });
    const [first] = said;
    expect(first.gathered).toEqual(
      Array.from({ length: count }, (_, rank) =>
        Array.from({ length: 3 + 20 * rank }, (_, i) => Math.PI * 10 ** -i + rank),
      ),
    );
    expect(first.none).toEqual(Array(count).fill(0));
    expect(first.json[1]).toEqual({ rank: 1, text: 'é日'.repeat(51) });
    expect(first.negativeZero).toBe(true);
    expect(first.sums[1]).toBe((count * (count - 1)) / 2);
    expect(first.shapes).toEqual([[2, 3], [7], [1500, 1501], [1999, 1501], [1]]);
    for (const [i, [value]] of first.gradients.entries()) {
      const parts = Array.from({ length: count }, (_, rank) => Math.fround(Math.sin(1000 * (10 * i + rank))));
      expect(value).toBeCloseTo(
        parts.reduce((sum, part) => sum + part, 0),
        5,
      );
    }
    expect(first.left).toBe(0);
  });

  it('one that does not come back ends by itself, and the others with it', { timeout: 120_000 }, async () => {
    const hosts = (await freePorts(2)).map((port) => `127.0.0.1:${port}`).join(',');
    const script = fileURLToPath(new URL('cluster-process.mjs', import.meta.url));
    const [first, second] = await Promise.all(
      [0, 1].map((rank) => runProcess([script, String(rank), hosts, dist, 'stuck'])),
    );
    expect(second).toMatchObject({
      code: 1,
      stderr: 'process 1 has not come to the others within 1 s (--step-timeout), and ends\n',
    });
    expect(first!.code).toBe(3);
    expect(first!.stderr).toMatch(/^PEER_LOST: .*start all of them again with --resume/m);
  });

  it('make one run: the same completions and advantages as one process, and the same bytes again', {
    timeout: 180_000,
  }, async () => {
    const project = await tinyProject({ train: 4, test: 1 });
    const set = ['method=grpo', 'training.max_steps=3', 'training.prompts_per_step=2', 'training.save_steps=3'];
    const main = join(dist, 'cli', 'main.js');
    const train = (name: string) => [
      ...['train', project.config, '--set', `output_dir=${join(project.folder, name)}`],
      ...set.flatMap((option) => ['--set', option]),
    ];
    const one = await runProcess([main, ...train('one')]);
    expect(one.code, one.stderr).toBe(0);
    for (const name of ['two', 'again']) {
      const { code, stderr } = await runProcess([main, 'launch', '--workers', '2', '--', ...train(name)]);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/^\[0\] process 0 of 2, waiting for .* closed network$/m);
    }
    const read = (name: string, file: string) => readFile(join(project.folder, name, file), 'utf8');
    const completions = async (name: string) =>
      (await read(name, 'completions.jsonl'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ sample_id, text, advantage, reward }) => ({ sample_id, text, advantage, reward }));
    expect(await completions('two')).toEqual(await completions('one'));
    const manifest = 'checkpoints/step-000003/manifest.json';
    for (const file of [manifest, 'completions.jsonl', 'evaluations.jsonl'])
      expect(await read('again', file)).toBe(await read('two', file));
  });
});

describe('which processes make a run', () => {
  const of = (hosts?: string, rank?: number, TF_CONFIG?: string) => clusterOptions({ hosts, rank, env: { TF_CONFIG } });
  const tf = (type: string, index: number, cluster: object = { worker: ['a:1', 'b:2'] }) =>
    of(undefined, undefined, JSON.stringify({ cluster, task: { type, index } }));

  test('those that are named, those of TF_CONFIG with its chief first, or this one alone', () => {
    expect(of('a:1, b:2', 1)).toMatchObject({ hosts: ['a:1', 'b:2'], rank: 1 });
    expect(tf('worker', 1)).toMatchObject({ hosts: ['a:1', 'b:2'], rank: 1 });
    const withChief = { chief: ['c:9'], worker: ['a:1', 'b:2'] };
    expect(tf('chief', 0, withChief)).toMatchObject({ hosts: ['c:9', 'a:1', 'b:2'], rank: 0 });
    expect(tf('worker', 1, withChief)).toMatchObject({ rank: 2 });
    expect(of()).toBeUndefined();
    expect(of(undefined, undefined, '')).toBeUndefined();
    expect(tf('worker', 0, { worker: ['a:1'] })).toBeUndefined();
    expect(of('[::1]:7001,host.name-1:7002', 0)?.hosts).toEqual(['[::1]:7001', 'host.name-1:7002']);
  });

  test('those of a step of Slurm’s, and which one Kubernetes says that this is', () => {
    const step = {
      SLURM_STEP_NODELIST: 'gpu[01-02,7],login',
      SLURM_STEP_TASKS_PER_NODE: '2(x2),1(x2)',
      SLURM_PROCID: '3',
    };
    expect(clusterOptions({ hosts: 'slurm', rank: undefined, env: step })).toMatchObject({
      hosts: ['gpu01:29500', 'gpu01:29501', 'gpu02:29500', 'gpu02:29501', 'gpu7:29500', 'login:29500'],
      rank: 3,
    });
    expect(() => clusterOptions({ hosts: 'slurm', rank: undefined, env: {} })).toThrow(/for a step of Slurm’s/);
    expect(clusterOptions({ hosts: 'a:1,b:1', rank: undefined, env: { JOB_COMPLETION_INDEX: '1' } })).toMatchObject({
      rank: 1,
    });
  });

  test.each([
    ['a host without a port', 'a,b:1', 0, /“a” is not host:port/],
    ['the same one twice', 'a:1,a:1', 0, /a:1 is named twice/],
    ['no rank', 'a:1,b:1', undefined, /one of 0 to 1 \(--rank\)/],
    ['a rank that there is not', 'a:1,b:1', 2, /one of 0 to 1/],
    ['a rank without hosts', undefined, 1, /--rank says which of --hosts/],
  ])('refuses %s', (_, hosts, rank, message) => {
    expect(() => of(hosts, rank)).toThrow(message);
  });

  test('refuses a TF_CONFIG that is none', () => {
    expect(() => of(undefined, undefined, '{"cluster"')).toThrow(/TF_CONFIG cannot be read/);
    expect(() => tf('ps', 0)).toThrow(/TF_CONFIG cannot be read/);
  });
});
