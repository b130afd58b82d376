import { basename } from 'node:path';
import { openFile, procFile, readProcess } from './process-table.js';

const SIGHUP_BIT = 1n;

/**
 * Whether this process was started by `nohup`, and so is meant to outlive its terminal. `nohup` does it by having SIGHUP
 * ignored, but Node takes that back before any of our code runs. What is left to see: the shell's word for what it
 * started (bash, zsh, ksh), nohup's own files in the place of a terminal, a script above us that ignores SIGHUP still.
 */
export function startedByNohup(): boolean {
  return (
    basename(process.env._ ?? '') === 'nohup' ||
    [1, 2].some((fd) => basename(openFile('self', fd)) === 'nohup.out') ||
    isUnreadableNull() ||
    isIgnoredAbove()
  );
}

/** GNU's nohup puts /dev/null, opened for writing, in the place of a terminal to read from. */
function isUnreadableNull(): boolean {
  if (openFile('self', 0) !== '/dev/null') return false;
  const flags = /^flags:\s*(\d+)$/m.exec(procFile('self/fdinfo/0'))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) === 1;
}

/** Up to the leader of the session: `nohup sh train.sh`. */
function isIgnoredAbove(): boolean {
  const own = readProcess(process.pid);
  let above = own && readProcess(own.parent);
  while (above !== undefined && above.session === own?.session) {
    const ignored = /^SigIgn:\s*(\w+)$/m.exec(procFile(`${above.pid}/status`))?.[1];
    if (ignored !== undefined && (BigInt(`0x${ignored}`) & SIGHUP_BIT) !== 0n) return true;
    above = readProcess(above.parent);
  }
  return false;
}
