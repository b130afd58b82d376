import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { tinyProject } from '../../tiny-project.js';
import { compileProgram, type Ended, start } from '../compiled.js';

const [program, project] = await Promise.all([compileProgram(), tinyProject({ train: 4, test: 2 })]);
const inProject = (name: string) => join(project.folder, name);

/** Arguments of `vau-rft train` for a run in the folder `name`. */
const words = (name: string, set: string[], resume?: string) => [
  program,
  'train',
  project.config,
  ...[`output_dir=${inProject(name)}`, ...set].flatMap((option) => ['--set', option]),
  ...(resume === undefined ? [] : ['--resume', resume]),
];

const train = (name: string, set: string[] = [], resume?: string): Promise<Ended> =>
  start(process.execPath, words(name, set, resume)).ended;

/** As `train`, where no file may grow beyond so many kibibytes: what a full disk does to a write. */
const trainConfined = (kibibytes: number, name: string, set: string[], resume?: string): Promise<Ended> =>
  start('bash', ['-c', `ulimit -f ${kibibytes}; exec "$0" "$@"`, process.execPath, ...words(name, set, resume)]).ended;

const manifest = (name: string, step: number) =>
  readFile(join(inProject(name), `checkpoints/step-00000${step}/manifest.json`), 'utf8');

beforeAll(async () => {
  const { code, stderr } = await train('whole');
  expect(code, stderr).toBe(0);
}, 60_000);

describe('resuming a run with damage', () => {
  it('goes on from the checkpoint before, and ends the same', async () => {
    await cp(inProject('whole'), inProject('damaged'), { recursive: true });
    await truncate(join(inProject('damaged'), 'checkpoints/step-000006/model.safetensors'), 1000);
    const { code, stderr } = await train('damaged', [], 'latest');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/warning: the checkpoint .*step-000006 is damaged: model\.safetensors has 1000 bytes/);
    expect(stderr).toContain('resuming tiny after step 4');
    expect(await manifest('damaged', 6)).toBe(await manifest('whole', 6));
    expect(await readFile(join(inProject('damaged'), 'metrics.jsonl'), 'utf8')).toMatch(/^(.+\n){6}$/);
  });

  it('goes back to an older checkpoint, and forgets the newer ones at once', async () => {
    await cp(inProject('whole'), inProject('back'), { recursive: true });
    const older = join(inProject('back'), 'checkpoints/step-000002');
    // Stops before its next save, as a run that is killed.
    const { code } = await trainConfined(1000, 'back', [], older);
    expect(code).toBe(1);
    expect(await readdir(join(inProject('back'), 'checkpoints'))).toEqual(['step-000002']);
    expect(await readdir(inProject('back'))).not.toContain('finished.json');
    const { stderr } = await train('back', [], 'latest');
    expect(stderr).toContain('resuming tiny after step 2');
    expect(await manifest('back', 6)).toBe(await manifest('whole', 6));
  });

  it('refuses what belongs to another run, and loses nothing', async () => {
    const other = await train('whole', ['training.learning_rate=0.1', 'seed=2'], 'latest');
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/RUN_CONFIG_CHANGED: .*\n {2}seed: 1 → 2\n {2}training\.learning_rate: 0\.004 → 0\.1/);
    const again = await train('whole');
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('RUN_EXISTS');
    const checkpoint = join(inProject('whole'), 'checkpoints/step-000004');
    const foreign = await train('foreign', ['seed=2'], checkpoint);
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toMatch(/CHECKPOINT_OTHER_RUN: .*step-000004 belongs to a run with other options/);
  });
});

describe('a full disk', () => {
  it('while a checkpoint is written: an error, the last checkpoint whole, and the same end once there is room', async () => {
    const { code, stderr } = await trainConfined(1000, 'full', []);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error RUN_DISK_FULL: .*full cannot be written \(EFBIG.*--resume/);
    expect(await readdir(join(inProject('full'), 'checkpoints'))).toEqual([]);
    const resumed = await train('full', [], 'latest');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(await manifest('full', 6)).toBe(await manifest('whole', 6));
  });

  it('while metrics are written: the line that was cut off is written again', async () => {
    const { code, stderr } = await trainConfined(3, 'cut', ['training.save_steps=100']);
    expect(code).toBe(1);
    expect(stderr).toContain('RUN_DISK_FULL');
    const metrics = join(inProject('cut'), 'metrics.jsonl');
    expect((await readFile(metrics, 'utf8')).endsWith('\n')).toBe(false);
    await train('cut', ['training.save_steps=100'], 'latest');
    expect(await readFile(metrics, 'utf8')).toMatch(/^(\{.+\}\n){6}$/);
    // But for the state, which says which of its other checkpoints is the best: this run has none.
    const files = async (name: string) => ({ ...JSON.parse(await manifest(name, 6)), 'state.json': null });
    expect(await files('cut')).toEqual(await files('whole'));
  });
});

it('killed before its first checkpoint: says what may have been, and nothing of going on', async () => {
  const running = start(process.execPath, words('early', ['training.save_steps=100', 'training.max_steps=1000']));
  const pid = await vi.waitFor(async () => {
    expect(await readFile(join(inProject('early'), 'metrics.jsonl'), 'utf8')).not.toBe('');
    return JSON.parse(await readFile(join(inProject('early'), 'run.lock'), 'utf8')).pid;
  }, 30_000);
  process.kill(pid, 'SIGKILL');
  const { code, stderr } = await running.ended;
  expect(code).toBe(137);
  expect(stderr).toMatch(/error RUN_KILLED: .*SIGKILL: by somebody, or .* for want of memory.*data\.video\.max_pixels/);
  expect(stderr).toContain(
    `No checkpoint was written yet: there is nothing to go on from; remove ${inProject('early')}`,
  );
  expect(stderr).not.toContain('--resume');
});

describe('a run that cannot start', () => {
  it('says why, and is started anew in the same folder once that is mended', async () => {
    const model = inProject('broken-model');
    await cp(project.model, model, { recursive: true });
    await truncate(join(model, 'model.safetensors'), 5000);
    const broken = await train('late', [`model.path=${model}`]);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/error WEIGHTS_INVALID: .*broken-model\/model\.safetensors/);
    const mended = await train('late', ['training.max_steps=1']);
    expect(mended.code, mended.stderr).toBe(0);
  });

  it('stops where no video can be read', async () => {
    const videos = inProject('bad-videos');
    await cp(project.videos, videos, { recursive: true });
    for (const name of await readdir(videos)) await writeFile(join(videos, name), '');
    const { code, stderr } = await train('unreadable', [`data.train.0.videos=${videos}`]);
    expect(code).toBe(1);
    expect(stderr.match(/warning: left out: .*train-0000\d\.mp4 is empty/g)).toHaveLength(4);
    expect(stderr).toMatch(
      /error DATA_NOTHING_READABLE: not one of the 12 training samples can be used \(the video cannot be read \(\d+\)\)/,
    );
    await rm(videos, { recursive: true });
  });
});

it('--profile measures steps without changing them, and leaves a table and a trace', async () => {
  const { code, stderr } = await start(process.execPath, [...words('profiled', []), '--profile', '2']).ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^(Vau)?MatMul +\d+ /m);
  expect(stderr).toMatch(/^\d+\.\d % of the time is in matrix products$/m);
  const { traceEvents } = JSON.parse(await readFile(join(inProject('profiled'), 'profile.json'), 'utf8'));
  const phases = traceEvents.flatMap(({ cat, name }: Record<string, string>) => (cat === 'phase' ? [name] : []));
  expect(phases).toEqual(['video', 'policy', 'optimizer', 'video', 'policy', 'optimizer']);
  expect(await manifest('profiled', 6)).toBe(await manifest('whole', 6));
  const wrong = await start(process.execPath, [...words('wrong', []), '--profile', '0']).ended;
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--profile takes a number of steps') });
});
