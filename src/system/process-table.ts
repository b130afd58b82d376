import { readFileSync, readlinkSync } from 'node:fs';

/** A process as the system's table shows it. */
export interface ProcessRecord {
  pid: number;
  /** 0: outside of this PID namespace. */
  parent: number;
  session: number;
  /** Clock ticks from boot to its start: a process id alone is given again after its process has died. */
  started: string;
  /** It has ended, and only waits to be cleared away. */
  ended: boolean;
  /** Program and arguments; a program that has set a title shows that as its only word. */
  command: string[];
}

/** Undefined where there is no such process, or no table to look it up in (Linux has one). */
export function readProcess(pid: number): ProcessRecord | undefined {
  if (!hasOwnTable()) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
    return {
      pid,
      parent: Number(fields[1]),
      session: Number(fields[3]),
      started: fields[19]!,
      ended: fields[0] === 'Z' || fields[0] === 'X',
      command,
    };
  } catch {
    return undefined;
  }
}

/** Whether a process still runs; of one that cannot be looked at in the table, its id has to be enough. */
export function isRunning({ pid, started }: { pid: number; started?: string }): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const record = readProcess(pid);
  return record === undefined || (!record.ended && (started === undefined || record.started === started));
}

/** The table may be that of another PID namespace: its numbers then mean other processes. */
const hasOwnTable = (): boolean => {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
};

/** A file of `/proc`; empty where there is none. */
export function procFile(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** What a descriptor of a process is open on; empty where nobody says. */
export function openFile(pid: number | 'self', descriptor: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return '';
  }
}
