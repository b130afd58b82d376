import { type FileHandle, open } from 'node:fs/promises';
import { putInPlace } from '../system/put-in-place.js';

/**
 * An append-only file of JSON lines (`metrics.jsonl`, `completions.jsonl`). The text is a pure function of the values:
 * keys in their order, numbers as the shortest decimal that reads back to the same float64, null for NaN and ±Infinity,
 * typed arrays as lists.
 */
export class JsonLines {
  readonly #handle: FileHandle;
  #count: number;

  private constructor(handle: FileHandle, count: number) {
    this.#handle = handle;
    this.#count = count;
  }

  /** Opens `file` for appending; it is made if there is none. @param count lines that it has */
  static async open(file: string, count = 0): Promise<JsonLines> {
    return new JsonLines(await open(file, 'a'), count);
  }

  /** Lines of the file. */
  get count(): number {
    return this.#count;
  }

  /** Appends a line a record, in one write. */
  async append(records: object[]): Promise<void> {
    await this.#handle.appendFile(records.map((record) => `${toLine(record)}\n`).join(''));
    this.#count += records.length;
  }

  /** Returns when all that was appended is on the disk. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** What a line holds. */
type StepRecord = Record<string, unknown> & { step: number };

function toLine(record: object): string {
  return JSON.stringify(record, (_, value) =>
    ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as Float32Array) : value,
  );
}

/** What is left of a file of JSON lines after it was cut. */
export interface Cut {
  /** Lines that stay. */
  count: number;
  /** Numbers (from 1) of lines that cannot be read, or do not belong, and stood before one that stays. */
  damaged: number[];
  /** Where what was taken out is kept, unless it was only what follows the step. */
  aside?: string;
}

/**
 * Cuts a file of JSON lines behind the last one whose `step` is at most `step`: what an interrupted run has written
 * after its checkpoint, a line torn by the interruption included. The resumed run then writes those lines again, and the
 * file ends as if nobody had interrupted. A file that is not there is left so.
 *
 * A line that is damaged and has good ones after it is taken out alone. What was taken out, and all that was cut where
 * fewer than `expected` lines are left, is put into `<file>.damaged`.
 */
export async function truncateAfterStep(args: { file: string; step: number; expected?: number }): Promise<Cut> {
  const { file, step, expected = 0 } = args;
  const scan: Scan = { count: 0, damaged: [], end: 0, size: 0 };
  if (!(await scanLines({ file, step, scan }))) return { count: 0, damaged: [] };
  const { count, damaged, end, size } = scan;
  const isShort = count < expected && end < size;
  if (damaged.length > 0 || isShort) {
    const aside = `${file}.damaged`;
    await takeOut({ file, step, aside, until: isShort ? size : end });
    return { count, damaged, aside };
  }
  const handle = await open(file, 'r+');
  try {
    await handle.truncate(end);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return { count, damaged };
}

interface Scan {
  /** Lines of a step up to `step`. */
  count: number;
  /** Numbers of the other lines before the last of these. */
  damaged: number[];
  /** Bytes up to the end of the last of these, and of the file. */
  end: number;
  size: number;
}

/** @returns whether there is such a file */
async function scanLines({ file, step, scan }: { file: string; step: number; scan: Scan }): Promise<boolean> {
  let number = 0;
  let others: number[] = [];
  return forEachLine(file, (line) => {
    number += 1;
    scan.size += line.length;
    if (!(stepOf(line) <= step)) return void others.push(number);
    scan.count += 1;
    scan.end = scan.size;
    scan.damaged.push(...others);
    others = [];
  });
}

/** Leaves the lines up to `step` in the file, and adds the others of its first `until` bytes to the file `aside`. */
async function takeOut(args: { file: string; step: number; aside: string; until: number }): Promise<void> {
  const { file, step, aside, until } = args;
  const make = async (beside: string) => {
    const [kept, out] = [await open(beside, 'w'), await open(aside, 'a')];
    try {
      let position = 0;
      await forEachLine(file, async (line) => {
        if (stepOf(line) <= step) await kept.appendFile(line);
        else if (position < until) await out.appendFile(line);
        position += line.length;
      });
      for (const handle of [out, kept]) await handle.sync();
    } finally {
      for (const handle of [kept, out]) await handle.close();
    }
  };
  await putInPlace({ place: file, make });
}

/** Calls back with each record of a file that can be read, with none where there is no file. */
export async function readRecords(file: string, body: (record: StepRecord) => void): Promise<void> {
  await forEachLine(file, (line) => {
    const record = parse(line);
    if (record !== undefined) body(record);
  });
}

/** The records of a file by their step. Of two with one step, the later. */
export async function recordsByStep(file: string): Promise<Map<number, StepRecord>> {
  const records = new Map<number, StepRecord>();
  await readRecords(file, (record) => void records.set(record.step, record));
  return records;
}

/**
 * Calls back with each line and its line feed; a last one without is torn. Reads in chunks.
 *
 * @returns whether there is such a file
 */
async function forEachLine(file: string, body: (line: Buffer) => void | Promise<void>): Promise<boolean> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (handle === null) return false;
  try {
    for await (const line of lines(handle)) await body(line);
    return true;
  } finally {
    await handle.close();
  }
}

async function* lines(handle: FileHandle): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(1 << 16);
  let position = 0;
  let parts: Buffer[] = [];
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    let start = 0;
    for (let feed = chunk.indexOf(10); feed >= 0 && feed < bytesRead; feed = chunk.indexOf(10, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, feed + 1)]);
      parts = [];
      start = feed + 1;
    }
    if (start < bytesRead) parts.push(Buffer.from(chunk.subarray(start, bytesRead)));
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

/** The `step` of a line; NaN for what is not a whole line of ours. */
const stepOf = (line: Buffer): number => parse(line)?.step ?? Number.NaN;

function parse(line: Buffer): StepRecord | undefined {
  if (line.at(-1) !== 10) return undefined;
  try {
    const record = JSON.parse(line.toString('utf8')) as { step?: unknown } | null;
    return typeof record?.step === 'number' ? { ...record, step: record.step } : undefined;
  } catch {
    return undefined;
  }
}
