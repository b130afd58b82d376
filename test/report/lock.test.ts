import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { takeLock } from '../../src/report/lock.js';
import { folderWith } from '../folder.js';

function sleeper() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

describe('takeLock', () => {
  it('keeps others out until it is given back, and leaves nothing behind', async () => {
    const folder = await folderWith();
    const file = join(folder, 'run.lock');
    const release = await takeLock(file);
    await expect(takeLock(file)).rejects.toMatchObject({ code: 'RUN_LOCKED', exitCode: 2 });
    await expect(takeLock(file)).rejects.toThrow(`process ${process.pid}`);
    expect(await readdir(folder)).toEqual(['run.lock']);
    await release();
    expect(await readdir(folder)).toEqual([]);
    await (await takeLock(file))();
  });

  it('is taken over from a process that has died', async () => {
    const file = join(await folderWith(), 'run.lock');
    const child = sleeper();
    await writeFile(file, JSON.stringify({ pid: child.pid, started: await startOf(child.pid!) }));
    await expect(takeLock(file)).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const release = await takeLock(file);
    expect(JSON.parse(await readFile(file, 'utf8')).pid).toBe(process.pid);
    await release();
  });

  it.runIf(process.platform === 'linux')(
    'is taken over when the number of the dead process is in use again',
    async () => {
      const file = join(await folderWith(), 'run.lock');
      const child = sleeper();
      await writeFile(file, JSON.stringify({ pid: child.pid, started: '1' }));
      await (await takeLock(file))();
    },
  );

  it('is waited for while its process dies', async () => {
    const file = join(await folderWith(), 'run.lock');
    const child = sleeper();
    await writeFile(file, JSON.stringify({ pid: child.pid, started: await startOf(child.pid!) }));
    setTimeout(() => child.kill('SIGKILL'), 200);
    await (await takeLock(file, { patience: 5000 }))();
  });

  it.runIf(process.platform === 'linux')('is taken over from a dead process that nobody has cleared away', async () => {
    const file = join(await folderWith(), 'run.lock');
    // The shell's child is dead at once, and the program that the shell becomes never asks for it.
    const parent = spawn('bash', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
    await writeFile(file, JSON.stringify({ pid: Number(pid), started: await startOf(Number(pid)) }));
    await (await takeLock(file, { patience: 5000 }))();
  });

  it('is taken over when it is torn', async () => {
    const file = join(await folderWith({ 'run.lock': '{"pi' }), 'run.lock');
    await (await takeLock(file))();
  });

  it('goes to one of many that ask at once', async () => {
    const file = join(await folderWith({ 'run.lock': '{"pid":999999999}' }), 'run.lock');
    const asked = await Promise.allSettled([takeLock(file), takeLock(file), takeLock(file)]);
    expect(asked.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
  });
});

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
