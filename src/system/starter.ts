import { basename } from 'node:path';
import { isRunning, openFile, type ProcessRecord, procFile, readProcess } from './process-table.js';

/** The npm, npx or the like that has started this process, and what stands between. */
export interface Starter {
  /** From this process's parent upwards. */
  processes: ProcessRecord[];
  /**
   * npm's own shell, where the end of that npm ends the container. Asked to stop, npm asks this shell alone, which dies
   * of it and takes all the others along.
   */
  shell?: ProcessRecord;
}

const NPM = /^(npm|npx|pnpm|pnpx|yarn|yarnpkg|bun|bunx)$/;
const SHELL = /^(sh|ash|dash|bash|ksh|zsh|busybox)$/;

/**
 * Undefined where there is none, or where it was left on purpose: in another session (`setsid`), or in the background of
 * a script (`… &`, which takes the script's input away).
 */
export function findStarter(): Starter | undefined {
  const own = readProcess(process.pid);
  if (own === undefined) return undefined;
  const above: ProcessRecord[] = [];
  for (let next = readProcess(own.parent); next !== undefined; next = readProcess(next.parent)) {
    if (!isNpm(next) && !isOurBootstrap(next) && !isCommandShell(next)) break;
    above.push(next);
  }
  const processes = above.slice(0, above.findLastIndex((one) => !isCommandShell(one)) + 1);
  const [parent] = processes;
  if (parent === undefined || parent.session !== own.session) return undefined;
  if (isCommandShell(parent) && openFile(parent.pid, 0) !== openFile(own.pid, 0)) return undefined;
  const npm = processes.findLastIndex((one) => isNpm(one) && one.parent <= 1);
  const shell = processes[npm - 1];
  return { processes, shell: shell !== undefined && isCommandShell(shell) ? shell : undefined };
}

/** Whether all that stands between npm and us is still there. */
export const isWhole = ({ processes }: Starter): boolean => processes.every(isRunning);

/** What npm has asked of a stopped process, and that waits for it. */
export function pendingSignal(pid: number): 'SIGINT' | 'SIGTERM' | undefined {
  const pending = BigInt(`0x${/^ShdPnd:\s*(\w+)$/m.exec(procFile(`${pid}/status`))?.[1] ?? 0}`);
  const waits = (signal: number) => (pending & (1n << BigInt(signal - 1))) !== 0n;
  return waits(15) ? 'SIGTERM' : waits(2) ? 'SIGINT' : undefined;
}

/** By its title (`npm exec vau-rft train …`), or as Node runs it (`node /usr/bin/npx …`). */
function isNpm({ command: [program = '', script = ''] }: ProcessRecord): boolean {
  if (NPM.test(basename(program.split(' ')[0]!))) return true;
  return isNode(program) && NPM.test(basename(script).replace(/(-cli)?\.c?js$/, ''));
}

const isOurBootstrap = ({ command: [program = '', script = ''] }: ProcessRecord): boolean =>
  isNode(program) && script.endsWith('scripts/bootstrap.mjs');

const isNode = (program: string): boolean => /^node(js)?$/.test(basename(program));

/** `sh -c …`, which is how npm and its like start a program. */
const isCommandShell = ({ command: [program = '', ...args] }: ProcessRecord): boolean =>
  SHELL.test(basename(program)) && args.slice(0, 2).includes('-c');
