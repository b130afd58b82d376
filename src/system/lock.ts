import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, lstat, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { UsageError } from './errors.js';
import { isRunning, readProcess } from './process-table.js';

/** A holder shows that it lives by touching its lock so often, even while its main thread computes. */
const BEAT_MS = 1000;
/** One of another machine or container that has not done so for so long has died. */
const SILENCE_MS = 30_000;
const LOOK_MS = 100;
/** No lock of ours comes near it. */
const MAX_BYTES = 4096;

const holderSchema = z.object({
  token: z.string(),
  host: z.string(),
  /** Of the running system, where it says them (Linux): within one of each, process ids can be compared. */
  boot: z.string().optional(),
  namespace: z.string().optional(),
  pid: z.int().positive(),
  started: z.string().optional(),
});
type Holder = z.infer<typeof holderSchema>;

/** What lies in a lock's place. */
interface Found {
  text: string;
  touched: number;
  /** Undefined: it is nothing that we have written, or torn. */
  holder?: Holder;
}

/** Why a lock has to be waited for. */
export interface Wait {
  message: string;
  /** False: whether its holder still lives is not known yet, which takes some time to see. */
  lives: boolean;
}

/**
 * Takes a lock file, so that two processes do not do the same, on this machine, in two containers, or on two machines
 * that share the folder. That of a process that has died is taken over: at once where the process could be seen from
 * here, else when its file has not been touched for a while by our own clock (the file server's may differ).
 *
 * A holder that finds its lock with somebody else (it was stopped for longer than that, and goes on now) kills itself.
 *
 * @param patience milliseconds to wait for a holder that lives
 * @param silence milliseconds after which a holder that cannot be seen has died
 * @param beats false: that its holder lives is seen on this machine alone, and no thread is kept for it
 * @param onWait is called once, where there is something to wait for
 * @returns what gives it back
 * @throws {UsageError} `RUN_LOCKED`; `LOCK_UNUSABLE` where something else lies in its place
 */
export async function takeLock(args: {
  file: string;
  patience?: number;
  silence?: number;
  beats?: boolean;
  onWait?: (wait: Wait) => void;
}): Promise<() => Promise<void>> {
  const { file, patience = 0, silence = SILENCE_MS, beats = true, onWait } = args;
  const text = JSON.stringify(ownIdentity());
  await mkdir(dirname(file), { recursive: true });
  const began = performance.now();
  let first: { found: Found; at: number } | undefined;
  let missing = began;
  let told = false;
  while (!(await create(file, text))) {
    const found = await lookAt(file);
    if (found?.text !== first?.found.text) first = found && { found, at: performance.now() };
    const now = performance.now();
    if (found === undefined) {
      if (now - missing >= silence) throw unusable(file, 'it can neither be made nor read');
    } else if (first !== undefined) {
      missing = now;
      const isSilent = found.touched === first.found.touched;
      const lives = found.holder && isVisible(found.holder) ? isRunning(found.holder) : isSilent ? undefined : true;
      if (lives === false || (lives === undefined && now - first.at >= silence)) {
        await discard(file, found.text);
        continue;
      }
      const message = `${file} is held by ${describe(found.holder)}`;
      if (lives && now - began >= patience) throw locked(message);
      if (!told) onWait?.({ message, lives: lives === true });
      told = true;
    }
    await setTimeout(LOOK_MS);
  }
  const heart = beats ? keepBeating(file, text) : undefined;
  return async () => {
    await heart?.terminate();
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) await rm(file, { force: true });
  };
}

function ownIdentity(): Holder {
  return {
    token: randomUUID(),
    host: hostname(),
    boot: systemSays(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: systemSays(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    started: readProcess(process.pid)?.started,
  };
}

const systemSays = (ask: () => string): string | undefined => {
  try {
    return ask();
  } catch {
    return undefined;
  }
};

/** Whether a holder's process id means the same here as where it was written. */
function isVisible(holder: Holder): boolean {
  const own = ownIdentity();
  if (holder.host !== own.host) return false;
  if (process.platform === 'linux' && (own.boot === undefined || own.namespace === undefined)) return false;
  return holder.boot === own.boot && holder.namespace === own.namespace;
}

/** It gets its name whole, so that nobody reads half a lock; or, where a disk has no links, at least by one alone. */
async function create(file: string, text: string): Promise<boolean> {
  const beside = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(beside, text);
    await link(beside, file);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // The second: whoever holds the lock tidies up.
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
    return await writeFile(file, text, { flag: 'wx' }).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === 'EEXIST') return false;
        throw cause;
      },
    );
  } finally {
    await rm(beside, { force: true });
  }
}

/** @returns undefined where nothing lies there any more */
async function lookAt(file: string): Promise<Found | undefined> {
  try {
    const kind = await lstat(file);
    if (!kind.isFile()) throw unusable(file, kind.isDirectory() ? 'it is a folder' : 'it is no plain file');
    // Opened: only so does a network file system ask its server for the latest.
    const handle = await open(file, 'r');
    try {
      const { size, mtimeMs } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, MAX_BYTES)), 0);
      const text = buffer.toString('utf8', 0, bytesRead);
      return { text, touched: mtimeMs, holder: parseHolder(text) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (error instanceof UsageError) throw error;
    throw unusable(file, `it cannot be read (${(error as Error).message})`);
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Takes a dead process's lock away, unless somebody else did so first and the file is theirs by now. */
async function discard(file: string, text: string): Promise<void> {
  const away = `${file}.${randomUUID()}.tmp`;
  try {
    await rename(file, away);
    if ((await readFile(away, 'utf8')).slice(0, MAX_BYTES) !== text) await link(away, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  await rm(away, { force: true });
}

const describe = (holder: Holder | undefined): string => {
  if (holder === undefined) return 'a process that did not write who it is';
  return `process ${holder.pid}${isVisible(holder) ? '' : ` of another machine or container (host ${holder.host})`}`;
};

function locked(message: string): UsageError {
  return new UsageError({ code: 'RUN_LOCKED', message: `${message}, which is at work; wait for it or stop it` });
}

function unusable(file: string, why: string): UsageError {
  const message = `${file} should be a lock file: ${why}; remove it when no process is at work there`;
  return new UsageError({ code: 'LOCK_UNUSABLE', message });
}

/** In a thread of its own, since the main one may compute for minutes. */
function keepBeating(file: string, text: string): Worker {
  const beat = `
    const { workerData: { file, text, every, pid } } = require('node:worker_threads');
    const { readFileSync, utimesSync, writeFileSync, writeSync } = require('node:fs');
    setInterval(() => {
      try {
        if (readFileSync(file, 'utf8') === text) {
          utimesSync(file, new Date(), new Date());
          return;
        }
      } catch (error) {
        // Removed by hand: taken again. A disk that does not answer just now: another time.
        if (error.code === 'ENOENT') try { writeFileSync(file, text, { flag: 'wx' }); } catch {}
        return;
      }
      try {
        writeSync(2, 'error RUN_LOCK_LOST: ' + file + ' was taken over by another process while this one stood still; it ends here, and the other goes on\\n');
      } catch {}
      process.kill(pid, 'SIGKILL');
    }, every);
  `;
  const worker = new Worker(beat, {
    eval: true,
    execArgv: [],
    workerData: { file, text, every: BEAT_MS, pid: process.pid },
  });
  worker.unref();
  return worker;
}
