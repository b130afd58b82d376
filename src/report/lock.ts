import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { UsageError } from '../errors.js';

/** Who holds a lock: a process id alone is given again after its process has died, so its start is kept too. */
interface Holder {
  pid: number;
  /** Clock ticks since boot, where the system says it (Linux). */
  started?: string;
}

/**
 * Takes a lock file, so that two processes of this machine do not write one run. That of a process that has died is
 * taken over.
 *
 * @param patience milliseconds to wait for a holder that may be about to die
 * @returns what gives it back
 * @throws {UsageError} `RUN_LOCKED`
 */
export async function takeLock(file: string, { patience = 0 } = {}): Promise<() => Promise<void>> {
  const deadline = performance.now() + patience;
  const own: Holder = { pid: process.pid, started: await startOf(process.pid) };
  const text = JSON.stringify(own);
  // Written whole before it gets its name: nobody reads half a lock.
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, text);
  try {
    for (;;) {
      try {
        await link(beside, file);
        return () => release(file, text);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const held = await readFile(file, 'utf8').catch(() => undefined);
      if (held === undefined) continue;
      const holder = parseHolder(held);
      if (holder === undefined || !(await isAlive(holder))) await discard(file, held);
      else if (performance.now() < deadline) await setTimeout(50);
      else throw locked(file, holder);
    }
  } finally {
    await rm(beside, { force: true });
  }
}

function locked(file: string, { pid }: Holder): UsageError {
  const message = `${file} is held by process ${pid}, which is writing this run; wait for it or stop it`;
  return new UsageError({ code: 'RUN_LOCKED', message });
}

async function release(file: string, text: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) await rm(file, { force: true });
}

/** Takes a dead process's lock away, unless somebody else did so first and the file is theirs by now. */
async function discard(file: string, held: string): Promise<void> {
  const away = `${file}.${process.pid}.stale`;
  try {
    await rename(file, away);
    if ((await readFile(away, 'utf8')) !== held) await link(away, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  await rm(away, { force: true });
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    return Number.isInteger(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, started }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return (await startOf(pid)) === started;
}

/** When a process was started; 'dead' for one that only waits to be cleared away; undefined where nobody says. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the program's name in brackets, which may hold anything; then the state; the start is the 22nd.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? 'dead' : fields?.[19];
}
