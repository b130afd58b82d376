import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { compileProgram } from './cli/compiled.js';

const module = pathToFileURL((await compileProgram()).replace('cli/main.js', 'parent-process.js')).href;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it('a dependent child dies with its killed parent, though its main thread computes', async () => {
  const child = `(await import('${module}')).dieWithParent(); setTimeout(() => { for (;;); }, 100)`;
  const parent = `
    const { dependentEnvironment } = await import('${module}');
    const { spawn } = await import('node:child_process');
    const options = { env: dependentEnvironment(), stdio: 'ignore', detached: true };
    const child = spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(child)}], options);
    process.stdout.write(String(child.pid) + '\\n');
    setInterval(() => {}, 1000);
  `;
  const running = spawn(process.execPath, ['--input-type=module', '-e', parent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void running.kill('SIGKILL'));
  const pid = Number(await new Promise((resolve) => running.stdout.once('data', resolve)));
  await setTimeout(1000);
  expect(isAlive(pid)).toBe(true);
  running.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 3000 }).toBe(false);
});
