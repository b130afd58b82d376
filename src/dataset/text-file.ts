import { DataError } from '../system/errors.js';
import { openRegularFile } from '../system/regular-file.js';

/** The longest text that JavaScript holds. */
const MAX_BYTES = 2 ** 29 - 24;

/**
 * A text file, without its byte order mark.
 * @throws DataError when the file cannot be read, is not UTF-8 or is empty.
 */
export async function readTextFile(file: string): Promise<string> {
  const bytes = await readBytes(file).catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${cause.code ?? cause.message})`;
    throw new DataError({ code: 'DATA_UNREADABLE', message: `${file}: ${why}; check the path`, cause });
  });
  const text = decode({ file, bytes });
  if (text.trim() === '')
    throw new DataError({ code: 'DATA_EMPTY', message: `${file}: the file is empty; is the download complete?` });
  return text;
}

/** The lines of a text that hold something, with any line ends; the first is row 1. */
export function filledLines(text: string): { row: number; line: string }[] {
  return text.split(/\r\n|\n|\r/).flatMap((line, i) => (line.trim() === '' ? [] : [{ row: i + 1, line }]));
}

async function readBytes(file: string): Promise<Uint8Array> {
  const { handle, size } = await openRegularFile(file);
  try {
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_BYTES}; split it`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function decode({ file, bytes }: { file: string; bytes: Uint8Array }): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const message = `${file}: the file is not text in UTF-8; save it as UTF-8, or check that it is the right file`;
    throw new DataError({ code: 'DATA_NOT_UTF8', message, cause });
  }
}
