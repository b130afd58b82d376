import { type FileHandle, open } from 'node:fs/promises';

/**
 * An append-only file of JSON lines (`metrics.jsonl`, `completions.jsonl`). The text is a pure function of the values:
 * keys in their order, numbers as the shortest decimal that reads back to the same float64, null for NaN and ±Infinity,
 * typed arrays as lists.
 */
export class JsonLines {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Opens `file` for appending; it is made if there is none. */
  static async open(file: string): Promise<JsonLines> {
    return new JsonLines(await open(file, 'a'));
  }

  /** Appends a line a record, in one write. */
  async append(records: object[]): Promise<void> {
    await this.#handle.appendFile(records.map((record) => `${toLine(record)}\n`).join(''));
  }

  /** Returns when all that was appended is on the disk. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function toLine(record: object): string {
  return JSON.stringify(record, (_, value) =>
    ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as Float32Array) : value,
  );
}

/**
 * Cuts a file of JSON lines behind the last one whose `step` is at most `step`: what an interrupted run has written
 * after its checkpoint, a line torn by the interruption included. The resumed run then writes those lines again, and the
 * file ends as if nobody had interrupted. Reads in chunks; a file that is not there is left so.
 *
 * @returns the number of bytes cut off
 */
export async function truncateAfterStep({ file, step }: { file: string; step: number }): Promise<number> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  try {
    let end = 0;
    for await (const line of lines(handle)) {
      if (!(stepOf(line) <= step)) break;
      end += line.length;
    }
    const { size } = await handle.stat();
    await handle.truncate(end);
    await handle.datasync();
    return size - end;
  } finally {
    await handle.close();
  }
}

/** The steps that a file has lines of; none where there is no file. */
export async function recordedSteps(file: string): Promise<Set<number>> {
  const steps = new Set<number>();
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return steps;
    throw error;
  }
  try {
    for await (const line of lines(handle)) steps.add(stepOf(line));
    return steps;
  } finally {
    await handle.close();
  }
}

/** The whole lines of a file, each with its line feed; a last line without one is torn, and left out. */
async function* lines(handle: FileHandle): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(1 << 16);
  let position = 0;
  let parts: Buffer[] = [];
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    let start = 0;
    for (let feed = chunk.indexOf(10); feed >= 0 && feed < bytesRead; feed = chunk.indexOf(10, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, feed + 1)]);
      parts = [];
      start = feed + 1;
    }
    parts.push(Buffer.from(chunk.subarray(start, bytesRead)));
  }
}

/** The `step` of a line; NaN for what is not a line of ours. */
function stepOf(line: Buffer): number {
  try {
    const { step } = JSON.parse(line.toString('utf8')) as { step?: unknown };
    return typeof step === 'number' ? step : Number.NaN;
  } catch {
    return Number.NaN;
  }
}
