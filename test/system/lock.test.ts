import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { takeLock } from '../../src/system/lock.js';
import { readProcess } from '../../src/system/process-table.js';
import { compileProgram } from '../cli/compiled.js';
import { folderWith } from '../folder.js';

const linux = process.platform === 'linux';

function sleeper() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** The text of a lock of this machine, held by `pid`, with some of it changed. */
async function lockOf(pid: number, changes: object = {}): Promise<string> {
  const file = join(await folderWith(), 'lock');
  const release = await takeLock({ file });
  const own = JSON.parse(await readFile(file, 'utf8'));
  await release();
  return JSON.stringify({ ...own, token: 'x', pid, started: readProcess(pid)?.started, ...changes });
}

const ELSEWHERE = [
  ['host', { host: 'elsewhere' }],
  ['boot', { boot: 'another' }],
  ['PID namespace', { namespace: 'pid:[1]' }],
] as const;

describe('takeLock', () => {
  it('keeps others out until it is given back, and leaves nothing behind', async () => {
    const folder = await folderWith();
    const file = join(folder, 'run.lock');
    const release = await takeLock({ file });
    await expect(takeLock({ file })).rejects.toMatchObject({ code: 'RUN_LOCKED', exitCode: 2 });
    await expect(takeLock({ file })).rejects.toThrow(`held by process ${process.pid}, which is at work`);
    expect(await readdir(folder)).toEqual(['run.lock']);
    await release();
    expect(await readdir(folder)).toEqual([]);
    await (await takeLock({ file }))();
  });

  it('is taken over at once from a process that has died', async () => {
    const child = sleeper();
    const file = join(await folderWith({ 'run.lock': await lockOf(child.pid!) }), 'run.lock');
    await expect(takeLock({ file })).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const onWait = vi.fn();
    const release = await takeLock({ file, onWait });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    expect(onWait).not.toHaveBeenCalled();
    await release();
  });

  it.runIf(linux)('is taken over when the number of the dead process is in use again', async () => {
    const file = join(await folderWith({ 'run.lock': await lockOf(sleeper().pid!, { started: '1' }) }), 'run.lock');
    await (await takeLock({ file }))();
  });

  it('is waited for while its process dies', async () => {
    const child = sleeper();
    const file = join(await folderWith({ 'run.lock': await lockOf(child.pid!) }), 'run.lock');
    const onWait = vi.fn(() => void child.kill('SIGKILL'));
    await (await takeLock({ file, patience: 10_000, onWait }))();
    expect(onWait).toHaveBeenCalledExactlyOnceWith({ message: expect.stringContaining(`${child.pid}`), lives: true });
  });

  it.runIf(linux)('is taken over from a dead process that nobody has cleared away', async () => {
    // The shell's child is dead at once, and the program that the shell becomes never asks for it.
    const parent = spawn('bash', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
    const file = join(await folderWith({ 'run.lock': await lockOf(Number(pid)) }), 'run.lock');
    await (await takeLock({ file, patience: 5000 }))();
  });

  it.each(ELSEWHERE)(
    'belongs to a holder of another %s that gives signs of life, whoever has its number here',
    async (_, changes) => {
      const file = join(await folderWith({ 'run.lock': await lockOf(999_999_999, changes) }), 'run.lock');
      const beat = setInterval(() => void utimes(file, new Date(), new Date()), 100);
      try {
        const asked = takeLock({ file, silence: 30_000 });
        await expect(asked).rejects.toMatchObject({ code: 'RUN_LOCKED' });
        await expect(asked).rejects.toThrow('of another machine or container (host ');
      } finally {
        clearInterval(beat);
      }
    },
  );

  it.each(ELSEWHERE)('is taken over from one of another %s that is silent', async (_, changes) => {
    const text = await lockOf(process.pid, changes);
    const file = join(await folderWith({ 'run.lock': text }), 'run.lock');
    const onWait = vi.fn();
    await (await takeLock({ file, silence: 300, onWait }))();
    expect(onWait).toHaveBeenCalledExactlyOnceWith({ message: expect.stringContaining(file), lives: false });
  });

  it.each(['{"pi', '', '{"pid":-1}', '{"pid":0}', 'null', '[]', 'x'.repeat(100_000)])(
    'is taken over where nobody touches it and it is unreadable: %.12s',
    async (text) => {
      const file = join(await folderWith({ 'run.lock': text }), 'run.lock');
      await (await takeLock({ file, silence: 300 }))();
    },
  );

  it.each([-1, 0])('is taken over where its process id is none: %d', async (pid) => {
    const file = join(await folderWith({ 'run.lock': await lockOf(pid) }), 'run.lock');
    await (await takeLock({ file, silence: 300 }))();
  });

  it('says what else lies in its place', async () => {
    const folder = await folderWith();
    await mkdir(join(folder, 'a'));
    await symlink('nowhere', join(folder, 'b'));
    const unusable = { code: 'LOCK_UNUSABLE', exitCode: 2 };
    await expect(takeLock({ file: join(folder, 'a') })).rejects.toMatchObject(unusable);
    await expect(takeLock({ file: join(folder, 'a') })).rejects.toThrow(/\/a should be a lock file: it is a folder/);
    await expect(takeLock({ file: join(folder, 'b') })).rejects.toMatchObject(unusable);
  });

  it('goes to one of many that ask at once', async () => {
    const file = join(await folderWith({ 'run.lock': await lockOf(999_999_999) }), 'run.lock');
    const asked = await Promise.allSettled([1, 2, 3].map(() => takeLock({ file })));
    expect(asked.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const one of asked) if (one.status === 'fulfilled') await one.value();
  });
});

describe('the holder', async () => {
  const module = pathToFileURL((await compileProgram()).replace('cli/main.js', 'system/lock.js')).href;

  /** A process that takes the lock, and then computes for ever. */
  const computing = async (file: string) => {
    const script = `
      await (await import('${module}')).takeLock({ file: ${JSON.stringify(file)} });
      process.stdout.write('taken', () => setTimeout(() => { for (;;); }, 50));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return child;
  };

  it('gives signs of life while its main thread computes', async () => {
    const file = join(await folderWith(), 'run.lock');
    await computing(file);
    const { mtimeMs } = await stat(file);
    await expect.poll(async () => (await stat(file)).mtimeMs, { timeout: 10_000 }).toBeGreaterThan(mtimeMs);
  });

  it('ends, and says why, when its lock has gone to another', async () => {
    const file = join(await folderWith(), 'run.lock');
    const child = await computing(file);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    await writeFile(file, await lockOf(1));
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    expect(said).toMatch(/^error RUN_LOCK_LOST: .*run\.lock was taken over by another process/);
    expect(JSON.parse(await readFile(file, 'utf8')).pid).toBe(1);
  });
});
