import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isRunning } from '../../src/system/process-table.js';
import { compileProgram } from '../cli/compiled.js';

const module = pathToFileURL((await compileProgram()).replace('cli/main.js', 'system/dependent.js')).href;

const isAlive = (pid: number) => isRunning({ pid });

/** A process that runs `child` (its source) by `runDependent`, and what it printed first: process ids. */
async function family(child: string): Promise<{ parent: number; pids: number[] }> {
  const parent = `
    const { runDependent } = await import('${module}');
    const command = [process.execPath, '--input-type=module', '-e', ${JSON.stringify(child)}];
    const never = new AbortController().signal;
    await runDependent({ command, stop: { finish: never, leave: never } });
  `;
  const running = spawn(process.execPath, ['--input-type=module', '-e', parent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed = await new Promise((resolve) => running.stdout.once('data', resolve));
  const pids = String(printed).trim().split(' ').map(Number);
  onTestFinished(() => {
    for (const pid of [running.pid!, ...pids]) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return { parent: running.pid!, pids };
}

const HELPER = `const { pid } = (await import('node:child_process')).spawn('sleep', ['1000'], { stdio: 'ignore' });`;

describe('a dependent process', () => {
  it('ends with its killed parent though its main thread computes, and what it has started with it', async () => {
    const child = `
      (await import('${module}')).dieWithParent();
      ${HELPER}
      process.stdout.write(process.pid + ' ' + pid + '\\n', () => setTimeout(() => { for (;;); }, 50));
    `;
    const { parent, pids } = await family(child);
    expect(pids.map(isAlive)).toEqual([true, true]);
    process.kill(parent, 'SIGKILL');
    await expect.poll(() => pids.map(isAlive), { timeout: 5000 }).toEqual([false, false]);
  });

  it('hears of the end of a parent that ended before it could ask', async () => {
    const child = `
      const parent = process.ppid;
      process.stdout.write(process.pid + '\\n');
      while (process.ppid === parent) await new Promise((done) => setTimeout(done, 5));
      (await import('${module}')).dieWithParent();
      setInterval(() => {}, 1000);
    `;
    const { parent, pids } = await family(child);
    process.kill(parent, 'SIGKILL');
    await expect.poll(() => pids.map(isAlive), { timeout: 5000 }).toEqual([false]);
  });

  it('leaves nothing behind that it has started, when it is killed alone', async () => {
    const child = `
      ${HELPER}
      process.stdout.write(process.pid + ' ' + pid + '\\n');
      setInterval(() => {}, 1000);
    `;
    const { parent, pids } = await family(child);
    process.kill(pids[0]!, 'SIGKILL');
    await expect.poll(() => [parent, ...pids].map(isAlive), { timeout: 5000 }).toEqual([false, false, false]);
  });

  it('does not end for what the variable means to somebody else', async () => {
    const child = `
      process.env.VAU_RFT_LIFELINE = '77';
      (await import('${module}')).dieWithParent();
      setTimeout(() => process.stdout.write(process.pid + '\\n'), 300);
      setInterval(() => {}, 1000);
    `;
    const { pids } = await family(child);
    expect(pids.map(isAlive)).toEqual([true]);
  });
});
