import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { ModelError } from '../../system/errors.js';
import { type Patience, pauseOf, reasonOf } from './patient-fetch.js';

/** A file of a repository, as the hub lists it. */
export interface HubFile {
  path: string;
  /** Bytes. */
  size: number;
  /** Its name among the blobs, which is its hash: sha256 of a large one (LFS), else that of git. */
  blob: string;
  isLarge: boolean;
}

interface FetchFile {
  file: HubFile;
  url: string;
  headers: Record<string, string>;
  /** Where it goes. */
  target: string;
  patience: Patience;
  fetch: typeof fetch;
  /** Bytes that have come, those of earlier attempts with them; less where some have to come again. */
  onProgress: (bytes: number) => void;
  report: (line: string) => void;
}

/**
 * Brings a file to its place among the blobs. What has come stands beside it until it is whole and its hash is right: a
 * download that was cut off goes on from there, in this process or a later one.
 *
 * @throws ModelError `HUB_FILE` where it does not come as the hub lists it
 */
export async function fetchFile(args: FetchFile): Promise<void> {
  const { file, target, patience, report, onProgress } = args;
  const beside = `${target}.vau-rft.incomplete`;
  let damaged = 0;
  for (let fruitless = 0; ; ) {
    const before = await sizeOf(beside);
    onProgress(before);
    const failure = before === file.size ? undefined : await receive({ ...args, beside, from: before });
    const now = await sizeOf(beside);
    if (now === file.size && failure === undefined) {
      if ((await hashOf(beside, file)) === file.blob) break;
      await rm(beside, { force: true });
      damaged += 1;
      if (damaged > 1) throw broken(file, 'what comes is not what the hub lists (its hash is another)');
      report(`${file.path} came damaged; fetching it again`);
      continue;
    }
    fruitless = now > before ? 0 : fruitless + 1;
    if (fruitless > patience.retries) throw broken(file, failure ?? 'it does not come');
    report(`${file.path}: ${failure}; going on`);
    await setTimeout(pauseOf({ patience, attempt: fruitless, asked: null }));
  }
  await rename(beside, target);
  onProgress(file.size);
}

/** Adds to what has come. @returns what ended it before the file's end */
async function receive(args: FetchFile & { beside: string; from: number }): Promise<string | undefined> {
  const { file, url, headers, beside, from, onProgress, patience } = args;
  const stop = new AbortController();
  const silent = () => stop.abort(new Error(`nothing came for ${patience.silence / 1000} s`));
  let clock: NodeJS.Timeout | undefined;
  try {
    const range: Record<string, string> = from === 0 ? {} : { Range: `bytes=${from}-` };
    const response = await args.fetch(url, { headers: { ...headers, ...range }, signal: stop.signal });
    if (response.status === 416) await rm(beside, { force: true });
    if (!response.ok) throw new Error(`the hub answers ${response.status}`);
    // A server that knows no ranges sends all of it again.
    const start = response.status === 206 ? from : 0;
    const told = response.headers.get('content-length');
    if (told !== null && response.headers.get('content-encoding') === null && start + Number(told) !== file.size)
      throw new Error(`the hub lists ${file.size} bytes and sends ${start + Number(told)}`);
    const handle = await open(beside, start === 0 ? 'w' : 'a');
    try {
      let size = start;
      clock = globalThis.setTimeout(silent, patience.silence);
      for await (const chunk of response.body ?? []) {
        clock.refresh();
        size += chunk.length;
        if (size > file.size) throw new Error(`more than the ${file.size} bytes come that the hub lists`);
        await handle.write(chunk);
        onProgress(size);
      }
      await handle.sync();
      if (size < file.size) throw new Error(`it ends after ${size} of ${file.size} bytes`);
    } finally {
      await handle.close();
    }
    return undefined;
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EACCES' || code === 'EROFS') throw error;
    return reasonOf(stop.signal.aborted ? stop.signal.reason : error);
  } finally {
    clearTimeout(clock);
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** In hexadecimal: sha256 of the bytes, or git's of a blob. */
async function hashOf(path: string, { size, isLarge }: HubFile): Promise<string> {
  const hash: Hash = isLarge ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const broken = (file: HubFile, what: string): ModelError =>
  new ModelError({
    code: 'HUB_FILE',
    message: `${file.path} cannot be downloaded: ${what}. What has come is kept; run the command again to go on from there.`,
  });
