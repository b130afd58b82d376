import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HEARTBEAT_MS = 1_000;
const STALE_MS = 10_000;

interface Owner {
  token: string;
  host: string;
  pid: number;
}

/**
 * Runs `task` while no other process that asks for the same lock file runs its own. A holder that was killed loses the
 * lock: at once if its process is seen to be gone, else when its file has not been touched for ten seconds of waiting
 * (another machine or container may share the folder). Taking over is not airtight; whoever holds the lock must leave
 * its results by a rename, so that two holders only waste work.
 */
export const withLock = async <T>({
  file,
  waiting,
  task,
}: {
  file: string;
  /** Called once, when another process holds the lock. */
  waiting: () => void;
  task: () => Promise<T>;
}): Promise<T> => {
  await mkdir(dirname(file), { recursive: true });
  const owner: Owner = { token: randomUUID(), host: hostname(), pid: process.pid };
  await acquire({ file, owner, waiting });
  const heartbeat = setInterval(() => {
    const now = new Date();
    void utimes(file, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  try {
    return await task();
  } finally {
    clearInterval(heartbeat);
    if ((await readOwner(file))?.token === owner.token) await rm(file, { force: true });
  }
};

const acquire = async ({ file, owner, waiting }: { file: string; owner: Owner; waiting: () => void }) => {
  let seen: { mtimeMs: number; at: number } | undefined;
  while (!(await create(file, owner))) {
    const mtimeMs = await stat(file).then(
      (stats) => stats.mtimeMs,
      () => 0,
    );
    const holderGone = isGone(await readOwner(file));
    if (seen === undefined && !holderGone) waiting();
    // Changes of the time are watched by our own clock: the file server's may differ.
    if (mtimeMs !== seen?.mtimeMs) seen = { mtimeMs, at: performance.now() };
    if (holderGone || performance.now() - seen.at > STALE_MS) await rm(file, { force: true });
    else await sleep(250);
  }
};

const create = async (file: string, owner: Owner): Promise<boolean> => {
  try {
    await writeFile(file, JSON.stringify(owner), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};

/** Null if the file is gone, or not written to its end. */
const readOwner = async (file: string): Promise<Owner | null> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner;
  } catch {
    return null;
  }
};

const isGone = (holder: Owner | null): boolean => {
  if (holder === null || holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
};
