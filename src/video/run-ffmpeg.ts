import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { requireFfmpeg } from './ffmpeg.js';
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
  /** After this time ffmpeg is taken to hang and is killed. Default 900. */
  timeoutSeconds?: number;
  signal?: AbortSignal;
}

export interface FfmpegResult {
  /** 0: it says that all went well; `null`: killed. */
  exitCode: number | null;
  timedOut: boolean;
  /** Its errors in short, one line; empty when it logged none. */
  said: string;
}

/**
 * Runs ffmpeg to its end. What its exit means is for the caller to say.
 *
 * @throws SetupError if there is no ffmpeg; the signal's reason when it aborts.
 */
export const runFfmpeg = async (job: FfmpegJob): Promise<FfmpegResult> => {
  const { args, onOutput, onLog, input, timeoutSeconds = 900, signal } = job;
  signal?.throwIfAborted();
  const { path } = await requireFfmpeg();
  const child = spawn(path, ['-hide_banner', '-nostats', '-loglevel', 'level+info', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Statically linked builds crash on MPEG-TS when glibc makes them load its character set modules: hide those.
    env: { ...process.env, GCONV_PATH: '/nonexistent' },
    windowsHide: true,
  });
  const kill = (): void => void child.kill('SIGKILL');
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutSeconds * 1000);
  signal?.addEventListener('abort', kill);

  const errors: string[] = [];
  const log = lineCutter((line) => {
    if (errors.length < 20 && /\[(error|fatal|panic)\]/.test(line)) errors.push(line);
    onLog?.(line);
  });
  child.stderr.on('data', log.chunk);
  child.stdout.on('data', (chunk: Buffer) => onOutput?.(chunk));
  // A program that stops reading its input says why in its log: the broken pipe is no news.
  const fed = pipeline(Readable.from(input ?? []), child.stdin).then(
    () => undefined,
    (error: unknown) => (isBrokenPipe(error) ? undefined : error),
  );
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
      fed.then((error) => {
        if (error === undefined) return;
        kill();
        reject(error);
      });
    });
    signal?.throwIfAborted();
    log.end();
    return { exitCode, timedOut, said: inShort(errors) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
  }
};

const isBrokenPipe = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code));

/** The first two different errors, without `[module @ 0x55…] [error]`. */
const inShort = (errors: string[]): string =>
  [...new Set(errors.map((line) => line.replace(/\[[^\]]*\]\s*/g, '').trim()))].slice(0, 2).join('; ');
