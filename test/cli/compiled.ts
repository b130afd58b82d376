import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, vi } from 'vitest';
import { packageFile } from '../../src/system/package-file.js';
import { asTyped } from '../as-typed.js';

const run = promisify(execFile);

/**
 * Compiles the package into a folder of its own, as it is installed: beside its package.json, configs, data and native.
 *
 * @returns the program's file
 */
export async function compileProgram(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vau-rft-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  for (const name of ['package.json', 'configs', 'data', 'native'])
    await cp(packageFile(name), join(folder, name), { recursive: true });
  await symlink(packageFile('node_modules'), join(folder, 'node_modules'));
  const tsc = packageFile('node_modules/typescript-7/bin/tsc');
  // Compiled also if some type is wrong: that is for `npm run typecheck` to say.
  await run(process.execPath, [tsc, '-p', packageFile('tsconfig.build.json'), '--outDir', join(folder, 'dist')]).catch(
    () => {},
  );
  return join(folder, 'dist/cli/main.js');
}

/** How a process ended, in words of a shell: 128 + the signal that killed it. */
export interface Ended {
  code: number;
  stderr: string;
}

/** A process of the program that is running. */
export interface Running {
  pid: number;
  ended: Promise<Ended>;
  /** Returns when it has said so on standard error. */
  says(text: string): Promise<void>;
  /** Takes its standard error away: a terminal that is closed, a `tee` that is gone. */
  deafen(): void;
}

export function start(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(command, args, { ...asTyped(env), stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code, signal) => done({ code: code ?? (signal === 'SIGKILL' ? 137 : 1), stderr }));
  });
  const says = (text: string) => vi.waitUntil(() => stderr.includes(text), { timeout: 30_000, interval: 10 });
  return {
    pid: child.pid!,
    ended,
    says: async (text) => void (await says(text)),
    deafen: () => void child.stderr.destroy(),
  };
}
