import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import { usableCpus } from '../system/cpus.js';
import type { Budget } from './bounds.js';
import { requireFfmpeg } from './ffmpeg.js';
import { ffmpegLogReader, inShort } from './ffmpeg-log.js';
import { type Guarded, startGuarded } from './guard.js';
import { lineCutter } from './lines.js';

export interface FfmpegJob {
  /** Without the program's name and without global flags, which are added here. */
  args: string[];
  /** Takes standard output as it comes. */
  onOutput?: (chunk: Buffer) => void;
  /** Takes each line of the log (info and above). */
  onLog?: (line: string) => void;
  /** Written to standard input. */
  input?: AsyncIterable<Uint8Array>;
  /** Of the video that is read; its time is taken from there. Left out: 900 seconds, and no bound of memory. */
  budget?: Budget;
  /** No longer wanted: ffmpeg is killed, and that is an error. */
  signal?: AbortSignal;
  /** No more is needed: ffmpeg is killed, and what came until then is the result. */
  enough?: AbortSignal;
}

export interface FfmpegResult {
  /** 0: it says that all went well; `null`: killed. */
  exitCode: number | null;
  /** The bound that it ran into. */
  exceeded: 'time' | 'memory' | 'pixels' | null;
  /** Its errors in short, one line; empty when it logged none. */
  said: string;
}

const SECONDS = 900;

/** As many at a time as there are cores, whoever wants them. */
const slots = pLimit(usableCpus());

/** Somebody else's signal has stopped ffmpeg. */
class Stopped extends Error {}

/**
 * Runs ffmpeg to its end. What its exit means is for the caller to say.
 *
 * @param attempt makes the job, with nothing gathered yet: where a signal that is not ours has stopped ffmpeg (a batch
 *   system's warning to all processes of a job), it is started again.
 * @throws SetupError if there is no ffmpeg; the signal's reason when it aborts.
 */
export const runFfmpeg = async (attempt: () => FfmpegJob): Promise<FfmpegResult> => {
  for (let left = 3; ; left -= 1) {
    const job = attempt();
    try {
      return await slots(() => runOnce(job));
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      // An input can be told once.
      if (left === 0 || job.input !== undefined) return { exitCode: null, exceeded: null, said: error.message };
    }
  }
};

/** @throws Stopped */
const runOnce = async ({ args, onOutput, onLog, input, budget, signal, enough }: FfmpegJob): Promise<FfmpegResult> => {
  signal?.throwIfAborted();
  const { path } = await requireFfmpeg();
  const started = performance.now();
  const memoryMib = budget?.bounds.max_decode_memory_mib ?? 0;
  const child = startGuarded({
    program: path,
    args: ['-hide_banner', '-nostats', '-loglevel', 'level+info', '-filter_threads', '1', ...args],
    memoryMib,
    env: {
      ...process.env,
      // Statically linked builds crash on MPEG-TS when glibc makes them load its character set modules: hide those.
      GCONV_PATH: '/nonexistent',
      // glibc reserves 64 MiB of address space for each thread, which would count as memory. Only where it counts: the
      // encoder reads memory that nobody has written, and one arena for all threads hands it what others have left.
      ...(memoryMib > 0 && { MALLOC_ARENA_MAX: '1' }),
    },
  });
  let timedOut = false;
  const outOfTime = (): void => {
    timedOut = true;
    child.kill();
  };
  const timer = setTimeout(outOfTime, Math.max(0, budget?.secondsLeft ?? SECONDS) * 1000);
  for (const one of [signal, enough]) one?.addEventListener('abort', child.kill);
  const { line, log } = ffmpegLogReader();
  const lines = lineCutter((text) => {
    line(text);
    onLog?.(text);
    if (log.exceeded === 'pixels') child.kill();
  });
  child.stderr.on('data', lines.chunk);
  child.stdout.on('data', (chunk: Buffer) => onOutput?.(chunk));
  try {
    const [{ code, killedBy }] = await Promise.all([child.end, feed({ input, child })]);
    signal?.throwIfAborted();
    lines.end();
    const exceeded = timedOut ? 'time' : log.exceeded;
    const isOurs = exceeded !== null || enough?.aborted;
    if (!isOurs && (log.wasSignalled || killedBy !== null)) return endOfAnother({ killedBy, errors: log.errors });
    return { exitCode: code, exceeded, said: inShort(log.errors) };
  } finally {
    clearTimeout(timer);
    for (const one of [signal, enough]) one?.removeEventListener('abort', child.kill);
    if (budget) budget.secondsLeft -= (performance.now() - started) / 1000;
  }
};

const CRASHES: readonly NodeJS.Signals[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS'];

/** What a signal means that is not ours. @throws Stopped */
const endOfAnother = ({ killedBy, errors }: { killedBy: NodeJS.Signals | null; errors: string[] }): FfmpegResult => {
  // The system's, for want of memory.
  if (killedBy === 'SIGKILL') return { exitCode: null, exceeded: 'memory', said: inShort(errors) };
  if (killedBy === null || !CRASHES.includes(killedBy))
    throw new Stopped(`it was stopped by ${killedBy ?? 'a signal'}`);
  return {
    exitCode: null,
    exceeded: null,
    said: [`it crashed (${killedBy})`, inShort(errors)].filter(Boolean).join('; '),
  };
};

/** Writes to its standard input. @throws what making the input throws. */
const feed = async ({
  input = emptyInput(),
  child,
}: {
  input?: AsyncIterable<Uint8Array>;
  child: Guarded;
}): Promise<void> => {
  try {
    await pipeline(Readable.from(input), child.stdin);
  } catch (error) {
    // A program that stops reading its input says why in its log: the broken pipe is no news.
    if (isBrokenPipe(error)) return;
    child.kill();
    throw error;
  }
};

async function* emptyInput(): AsyncGenerator<Uint8Array> {}

const isBrokenPipe = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code));
