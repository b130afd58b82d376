import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { withLock } from '../../../src/tensor/setup/lock.js';
import { emptyFolder } from './fakes.js';

/** The id of a process that has ended. */
const deadProcess = async (): Promise<number> => {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await new Promise((resolve) => child.on('close', resolve));
  return child.pid!;
};

describe('withLock', () => {
  it('lets one task run at a time, and tells the others to wait', async () => {
    const file = join(emptyFolder(), 'deep', 'lock');
    const waiting = vi.fn();
    let running = 0;
    let most = 0;
    const task = async () => {
      running += 1;
      most = Math.max(most, running);
      await sleep(50);
      running -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock({ file, waiting, task })));
    expect(most).toBe(1);
    expect(waiting).toHaveBeenCalledTimes(2);
    expect(existsSync(file)).toBe(false);
  });

  it('is given back by a task that fails', async () => {
    const file = join(emptyFolder(), 'lock');
    const task = () => Promise.reject(new Error('no'));
    await expect(withLock({ file, waiting: () => {}, task })).rejects.toThrow('no');
    expect(existsSync(file)).toBe(false);
  });

  it('takes over at once from a process that was killed', async () => {
    const file = join(emptyFolder(), 'lock');
    writeFileSync(file, JSON.stringify({ token: 'x', host: hostname(), pid: await deadProcess() }));
    const waiting = vi.fn();
    const start = performance.now();
    expect(await withLock({ file, waiting, task: async () => 'done' })).toBe('done');
    expect(performance.now() - start).toBeLessThan(1000);
    expect(waiting).not.toHaveBeenCalled();
  });

  it('waits for a holder on another machine, whose process cannot be seen', async () => {
    const file = join(emptyFolder(), 'lock');
    writeFileSync(file, JSON.stringify({ token: 'x', host: 'elsewhere', pid: await deadProcess() }));
    const waiting = vi.fn();
    const done = withLock({ file, waiting, task: async () => 'done' });
    expect(await Promise.race([done, sleep(400, 'still waiting')])).toBe('still waiting');
    expect(waiting).toHaveBeenCalledOnce();
    const { rmSync } = await import('node:fs');
    rmSync(file);
    expect(await done).toBe('done');
  });
});
