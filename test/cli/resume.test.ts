import { readFileSync, watch } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { tinyProject } from '../tiny-project.js';
import { compileProgram, type Running, start } from './compiled.js';

const [program, project] = await Promise.all([compileProgram(), tinyProject({ train: 18, test: 6 })]);
// A video that cannot be read is passed over in every run alike.
await writeFile(join(project.videos, 'train-00003.mp4'), 'no video');

const runFolder = (name: string) => join(project.folder, name);

/** `vau-rft train` with these options, in the run folder `name`. */
function train({ name, set, resume, env }: { name: string; set: string[]; resume?: boolean; env?: NodeJS.ProcessEnv }) {
  const options = [`output_dir=${runFolder(name)}`, ...set].flatMap((option) => ['--set', option]);
  const args = [program, 'train', project.config, ...options, ...(resume ? ['--resume'] : [])];
  return start(process.execPath, args, env);
}

/** All that a run leaves behind and that has to be the same however often it was interrupted. */
async function outcome(name: string) {
  const folder = runFolder(name);
  const text = (file: string) => readFile(join(folder, file), 'utf8');
  const metrics = (await text('metrics.jsonl')).trimEnd().split('\n');
  const last = join('checkpoints', (await readdir(join(folder, 'checkpoints'))).sort().at(-1)!);
  // It holds the digest of every other file of the checkpoint.
  const manifest = await text(join(last, 'manifest.json'));
  expect(JSON.parse(manifest)).toMatchObject({ 'optimizer.safetensors': {}, 'state.json': {} });
  return {
    files: (await readdir(folder)).sort(),
    metrics: metrics.map((line) =>
      JSON.stringify(JSON.parse(line), (key, x) => (/^(time|memory)\//.test(key) ? 0 : x)),
    ),
    completions: await text('completions.jsonl'),
    evaluations: await text('evaluations.jsonl'),
    finished: await text('finished.json'),
    last,
    manifest,
  };
}

/** Waits until a run has recorded so many steps. @returns the last one's metrics */
async function steps(name: string, count: number): Promise<Record<string, number>> {
  for (;;) {
    const text = await readFile(join(runFolder(name), 'metrics.jsonl'), 'utf8').catch(() => '');
    const lines = text.split('\n').slice(0, -1);
    if (lines.length >= count) return JSON.parse(lines.at(-1)!);
    await setTimeout(1);
  }
}

/** The process that trains, below the one that watches over it. */
async function trainer(name: string): Promise<number> {
  return JSON.parse(await readFile(join(runFolder(name), 'run.lock'), 'utf8')).pid;
}

async function finish(running: Running): Promise<string> {
  const { code, stderr } = await running.ended;
  expect(code, stderr).toBe(0);
  return stderr;
}

const SFT = ['training.max_steps=20', 'training.prompts_per_step=8', 'training.save_steps=10', 'training.eval_steps=9'];
const start0 = join(runFolder('sft'), 'checkpoints/step-000020');
const GRPO = [
  'method=grpo',
  `model.path=${start0}`,
  'training.max_steps=8',
  'training.learning_rate=1e-3',
  'training.eval_steps=3',
];

/** The run `name` that nobody interrupts. */
const whole = async ({ name, set }: { name: string; set: string[] }) => {
  const stderr = await finish(train({ name, set }));
  return { stderr, outcome: await outcome(name) };
};

describe('an interrupted run goes on as if it had not been', () => {
  it('SFT: what asks to stop finishes the step, saves, and leaves with 130, also when nobody can be told', async () => {
    const { stderr, outcome: expected } = await whole({ name: 'sft', set: SFT });
    expect(stderr.match(/left out: .*train-00003\.mp4/g)).toHaveLength(1);
    expect(stderr).toMatch(/^warning: training: 3 samples left out: /m);

    const name = 'sft-signals';
    for (const signal of ['SIGINT', 'SIGUSR1', 'SIGHUP', 'SIGTERM'] as const) {
      const before = await readFile(join(runFolder(name), 'metrics.jsonl'), 'utf8').catch(() => '');
      const running = train({ name, set: SFT, resume: signal !== 'SIGINT' });
      await steps(name, before.split('\n').length + 2);
      if (signal === 'SIGHUP') running.deafen();
      process.kill(running.pid, signal);
      const { code, stderr: said } = await running.ended;
      expect(code).toBe(130);
      if (signal === 'SIGHUP') continue;
      expect(said).toContain('finishing the step and saving');
      expect(said).toContain('saved; go on with --resume');
    }
    expect(await finish(train({ name, set: SFT, resume: true }))).toMatch(/resuming tiny after step 1\d/);
    expect(await outcome(name)).toEqual(expected);
  });

  it('GRPO: kill -9 in the rollout, in the update, and while a checkpoint is written', async () => {
    const { outcome: expected } = await whole({ name: 'grpo', set: GRPO });
    expect(new Set(expected.metrics.map((line) => JSON.parse(line).reward_std)).size).toBeGreaterThan(2);

    const name = 'grpo-killed';
    const begin = (resume: boolean) => train({ name, set: GRPO, resume });
    const kill = async (running: Running) => {
      process.kill(await trainer(name), 'SIGKILL');
      const { code, stderr } = await running.ended;
      expect(code).toBe(137);
      expect(stderr).toContain('RUN_KILLED');
    };

    const first = begin(false);
    await steps(name, 3);
    await kill(first);

    const second = begin(true);
    const { 'time/rollout_s': rollout, 'time/policy_s': policy } = await steps(name, 5);
    await setTimeout(1000 * (rollout! + policy! / 2));
    await kill(second);

    // It is written within a blink; where that was too fast, the next one is waited for.
    for (;;) {
      const running = begin(true);
      await unfinishedCheckpoint(name);
      await kill(running);
      if ((await readdir(join(runFolder(name), 'checkpoints'))).some((entry) => entry.startsWith('.'))) break;
    }

    await finish(begin(true));
    expect(await outcome(name)).toEqual(expected);
    expect(await readdir(join(runFolder(name), 'checkpoints'))).toEqual(
      await readdir(join(runFolder('grpo'), 'checkpoints')),
    );
  });

  it('GRPO with all that has a memory: kill -9 in a step, three times', async () => {
    const module = join(project.folder, 'likes-length.ts');
    await writeFile(module, 'export default (group: {text: string}[]) => group.map(({ text }) => text.length / 50);\n');
    const clips = join(project.folder, 'clips');
    const source = (task: string, weight: number) =>
      `{source: jsonl, annotations: ${join(clips, 'train.jsonl')}, videos: ${project.videos}, task: ${task}, weight: ${weight}}`;
    const rewards = ['format', 'accuracy', 'temporal_iou', 'anomaly_verification', 'temporal_contrast'];
    const set = [
      ...GRPO,
      `data.train=[${source('qa', 2)}, ${source('tag', 1)}, ${source('cls', 1)}]`,
      'data.shuffle_options=true',
      'data.curriculum={by: accuracy, min_success: 0.1, max_success: 0.9, again_after: 2}',
      `rewards=[${rewards.map((name) => `{name: ${name}}`).join(', ')}, {name: module, path: ${module}, weight: 0.1}]`,
      'grpo.dynamic_sampling=true',
      'grpo.steps_per_generation=2',
      'grpo.num_iterations=2',
      'grpo.importance_sampling_level=sequence',
      'grpo.sync_ref_model=true',
      'grpo.ref_model_sync_steps=3',
      'training.prompts_per_step=4',
      'training.max_steps=10',
      'training.eval_steps=0',
    ];
    const { outcome: expected } = await whole({ name: 'memory', set });
    const metrics = expected.metrics.map((line) => JSON.parse(line) as Record<string, number>);
    expect(new Set(metrics.map((line) => line['rewards/temporal_contrast/mean'])).size).toBeGreaterThan(1);
    expect(metrics.some((line) => line['groups/passed_over']! > 0)).toBe(true);
    expect(Math.max(...metrics.map(({ epoch }) => epoch!))).toBeGreaterThan(0);

    const name = 'memory-killed';
    for (const after of [2, 5, 8]) {
      const running = train({ name, set, resume: after > 2 });
      const { 'time/step_s': step } = await steps(name, after);
      await setTimeout(500 * step!);
      process.kill(await trainer(name), 'SIGKILL');
      expect((await running.ended).code).toBe(137);
    }
    await finish(train({ name, set, resume: true }));
    expect(await outcome(name)).toEqual(expected);
  }, 180_000);

  it('LoRA in bfloat16: kill -9 of the process that watches, resumed at once; restarts for want of handles', async () => {
    const set = [
      ...GRPO,
      'model.lora.r=4',
      'model.dtype=bfloat16',
      'model.freeze_vision=true',
      'grpo.num_iterations=2',
      'training.prompts_per_step=4',
      'training.gradient_accumulation_steps=2',
      'training.learning_rate=0.01',
    ];
    const { outcome: expected } = await whole({ name: 'lora', set });

    const name = 'lora-restarted';
    const running = train({ name, set });
    await steps(name, 3);
    const child = await trainer(name);
    process.kill(running.pid, 'SIGKILL');
    const resumed = train({ name, set, resume: true, env: { VAU_RFT_HANDLE_LIMIT: '8000' } });
    await vi.waitUntil(() => isDead(child), { timeout: 1000 });
    const stderr = await finish(resumed);
    expect(stderr.match(/resuming tiny after step/g)!.length).toBeGreaterThan(1);
    expect(await outcome(name)).toEqual(expected);
  });
});

it('a second signal ends a long step at once', async () => {
  const name = 'twice';
  const set = [...GRPO, 'rollout.max_completion_length=1500', 'rollout.min_completion_length=1500'];
  const running = train({ name, set });
  const log = join(runFolder(name), 'run.log');
  while (!(await readFile(log, 'utf8').catch(() => '')).includes('started')) await setTimeout(10);
  await setTimeout(1000);
  process.kill(running.pid, 'SIGINT');
  await running.says('finishing the step');
  await setTimeout(200);
  process.kill(running.pid, 'SIGINT');
  const asked = performance.now();
  expect((await running.ended).code).toBe(130);
  expect(performance.now() - asked).toBeLessThan(2000);
});

/** Also one whose end nobody has asked for is dead. */
function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}

/** Returns as soon as a checkpoint begins to be written. */
async function unfinishedCheckpoint(name: string): Promise<void> {
  const folder = join(runFolder(name), 'checkpoints');
  await mkdir(folder, { recursive: true });
  await new Promise<void>((done) => {
    const watcher = watch(folder, (_, entry) => {
      if (!entry?.endsWith('.unfinished')) return;
      watcher.close();
      done();
    });
  });
}
