import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';

/** What a file of JSON lines holds. */
interface ReadRecords<T> {
  records: T[];
  /** Lines that are no such records: nobody loses the others for them. */
  damaged: number;
  /** Bytes up to the end of the last whole line. */
  end: number;
}

/** Reads a file of JSON lines, one that a killed process has torn included. Of a file that is not there, nothing. */
export async function readRecordFile<T>({
  file,
  schema,
}: {
  file: string;
  schema: z.ZodType<T>;
}): Promise<ReadRecords<T>> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const end = bytes.lastIndexOf(10) + 1;
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
  const records = lines.flatMap((line) => {
    try {
      const { success, data } = schema.safeParse(JSON.parse(line));
      return success ? [data] : [];
    } catch {
      return [];
    }
  });
  return { records, damaged: lines.length - records.length, end };
}

/**
 * A file of JSON lines that work is written down in as it is done: a killed process loses what it was doing, and nothing
 * else. What was appended is on the disk when `append` returns.
 */
export class RecordFile<T extends object> {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Opens it with what it holds; a torn last line is cut off. */
  static async open<T extends object>({
    file,
    schema,
  }: {
    file: string;
    schema: z.ZodType<T>;
  }): Promise<{ file: RecordFile<T>; records: T[]; damaged: number }> {
    await mkdir(path.dirname(file), { recursive: true });
    const { records, damaged, end } = await readRecordFile({ file, schema });
    const handle = await open(file, 'a');
    try {
      await handle.truncate(end);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { file: new RecordFile<T>(handle), records, damaged };
  }

  async append(records: readonly T[]): Promise<void> {
    if (records.length === 0) return;
    await this.#handle.appendFile(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
