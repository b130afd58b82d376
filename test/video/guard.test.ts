import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { packageFile } from '../../src/system/package-file.js';
import { startGuarded } from '../../src/video/guard.js';
import { clipFolder } from './clips.js';

// Whether there is a shell.
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  return { ...fs, existsSync: vi.fn(fs.existsSync) };
});

const folder = await clipFolder();
const run = promisify(execFile);
const shell = (script: string, memoryMib = 0) =>
  startGuarded({ program: '/bin/sh', args: ['-c', script], memoryMib, env: process.env });

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const all = async (stream: NodeJS.ReadableStream): Promise<string> => {
  let text = '';
  for await (const data of stream) text += data;
  return text;
};

const firstLine = (stream: NodeJS.ReadableStream): Promise<string> =>
  new Promise((resolve) => void stream.once('data', (data: Buffer) => resolve(data.toString().split('\n')[0]!)));

describe('startGuarded', () => {
  it('tells how a program has ended, and lets nothing behind', async () => {
    const child = shell('cat; echo end; exit 3');
    const said = all(child.stdout);
    child.stdin.end('in ');
    expect(await child.end).toEqual({ code: 3, killedBy: null });
    expect(await said).toBe('in end\n');
    const hanging = shell('echo; sleep 100; :');
    await firstLine(hanging.stdout);
    hanging.kill();
    expect(await hanging.end).toEqual({ code: null, killedBy: 'SIGKILL' });
  });

  it('tells the end of a program that takes its watcher along', async () => {
    const ends = await Promise.all(Array.from({ length: 10 }, () => shell('kill -9 0').end));
    expect(ends).toEqual(Array(10).fill({ code: null, killedBy: 'SIGKILL' }));
  });

  it('lets what a program has started go on when it has ended itself', async () => {
    expect(await all(shell('(sleep 0.5; echo late) & echo now').stdout)).toBe('now\nlate\n');
  });

  it('ends a program whose parent is killed, at once', async () => {
    await cp(packageFile('src/video/guard.ts'), join(folder, 'guard.ts'));
    const tsc = packageFile('node_modules/typescript-7/bin/tsc');
    const types = ['--types', 'node', '--typeRoots', packageFile('node_modules/@types')];
    const options = ['--ignoreConfig', '--module', 'nodenext', '--target', 'es2023', '--strict', ...types];
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    await run(process.execPath, [tsc, ...options, join(folder, 'guard.ts')]);
    const script = `
      import { startGuarded } from './guard.js';
      const args = ['-c', 'sleep 100 & echo $!; wait'];
      const { stdout } = startGuarded({ program: '/bin/sh', args, memoryMib: 0, env: process.env });
      stdout.pipe(process.stdout);
    `;
    await writeFile(join(folder, 'parent.mjs'), script);
    const parent = spawn(process.execPath, [join(folder, 'parent.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(await firstLine(parent.stdout));
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 20_000 });
  });

  it('is not reached by what warns all processes of a job, nor by Ctrl-C', async () => {
    const child = shell('echo $$; read -r line; echo through');
    const pid = Number(await firstLine(child.stdout));
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.kill(pid, signal);
    // Ctrl-C goes to the group of the terminal.
    const { stdout: group } = await run('ps', ['-o', 'pgid=', '-p', String(pid)]);
    expect(Number(group)).toBe(pid);
    const said = firstLine(child.stdout);
    child.stdin.end('\n');
    expect(await said).toBe('through');
    expect(await child.end).toEqual({ code: 0, killedBy: null });
  });

  it('leaves to the program its streams alone, and to nobody else', async () => {
    const child = shell('(: <&3) 2>/dev/null && echo open || echo closed; exec >&-; read -r line');
    expect(await firstLine(child.stdout)).toBe('closed');
    // It ends, though the program does not.
    await new Promise((resolve) => child.stdout.once('end', resolve));
    child.stdin.end('\n');
    expect(await child.end).toEqual({ code: 0, killedBy: null });
  });

  it('does without a bound that cannot be set, and without a shell', async () => {
    expect(await firstLine(shell('echo through >&2', Number.NaN).stderr)).toBe('through');
    vi.mocked(existsSync).mockReturnValueOnce(false);
    const bare = shell('ulimit -v', 1000);
    expect(await firstLine(bare.stdout)).toBe('unlimited');
    expect(await bare.end).toEqual({ code: 0, killedBy: null });
    bare.kill();
    vi.mocked(existsSync).mockReturnValueOnce(false);
    const none = startGuarded({ program: '/nowhere', args: [], memoryMib: 0, env: {} });
    none.kill();
    await expect(none.end).rejects.toMatchObject({ code: 'ENOENT' });
  });

  // Elsewhere there is no such bound.
  it.runIf(process.platform === 'linux')('keeps a program within its memory', async () => {
    const takes200Mb = 'head -c 200000000 /dev/zero | tail -c 200000000 | wc -c';
    const read = async (memoryMib: number): Promise<string> => {
      const child = shell(takes200Mb, memoryMib);
      const line = firstLine(child.stdout);
      child.stderr.resume();
      await child.end;
      return (await line).trim();
    };
    expect(await read(0)).toBe('200000000');
    expect(await read(60)).toBe('0');
    expect(await firstLine(shell('ulimit -v', 1000.0001).stdout)).toBe('1024001');
  });
});
