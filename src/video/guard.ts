import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Duplex, Readable, Writable } from 'node:stream';

const SHELL = '/bin/sh';

/**
 * A watcher reads descriptor 3, whose other end this process holds: a line says that the program has ended; an end
 * without a line, that this process has, in whatever way, and then the program is killed. Signals that are sent to all
 * processes of a job to warn them are not for it: what it had read by then would be taken for all that there is.
 */
const SCRIPT = `
[ "$1" = 0 ] || ulimit -v "$1" 2>/dev/null
shift
trap '' HUP USR1 USR2
{ read -r line <&3 || kill -9 -$$; } </dev/null >/dev/null 2>&1 &
exec "$@" 3<&-
`;

/** A program that ends with this process, even where that is killed. */
export interface Guarded {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  kill: () => void;
  /** When it has ended and all of its output has come. @throws what keeps it from being started. */
  end: Promise<{ code: number | null; killedBy: NodeJS.Signals | null }>;
}

/**
 * Starts a program, with nothing of its own on the terminal: Ctrl-C is for this process to hear.
 *
 * @param memoryMib bound of its address space; 0: none. Not kept where the system knows no such bound, or has no shell.
 */
export const startGuarded = ({
  program,
  args,
  memoryMib,
  env,
}: {
  program: string;
  args: string[];
  memoryMib: number;
  env: NodeJS.ProcessEnv;
}): Guarded => {
  // Not on Windows, nor in containers that hold nothing but Node.
  const hasShell = existsSync(SHELL);
  const kibibytes = String(Math.ceil(memoryMib * 1024));
  const [command, all] = hasShell ? [SHELL, ['-c', SCRIPT, 'guarded', kibibytes, program, ...args]] : [program, args];
  const child = spawn(command, all, {
    stdio: ['pipe', 'pipe', 'pipe', hasShell ? 'pipe' : 'ignore'],
    detached: process.platform !== 'win32',
    env,
    windowsHide: true,
  });
  return {
    ...ends(child),
    kill: () => killGroup(child),
    end: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, killedBy) => resolve({ code, killedBy }));
    }),
  };
};

/** With what it has started itself: it may be a script around the program that is meant. */
const killGroup = (child: ChildProcess): void => {
  if (process.platform === 'win32') return void child.kill('SIGKILL');
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
};

/** Its three streams; and tells the watcher when the program has ended. */
const ends = (child: ChildProcess): Pick<Guarded, 'stdin' | 'stdout' | 'stderr'> => {
  const watcher = child.stdio[3] as Duplex | null;
  // It may have been killed with the program.
  watcher?.on('error', () => undefined);
  // To notice that it has left, else the child does not count as closed.
  watcher?.resume();
  child.once('exit', () => watcher?.end('\n'));
  return { stdin: child.stdin!, stdout: child.stdout!, stderr: child.stderr! };
};
