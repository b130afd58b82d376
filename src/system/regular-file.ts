import { type FileHandle, open, stat } from 'node:fs/promises';

/**
 * Opens a file for reading, if it is one: a pipe would wait for a writer for ever, and a device has no end.
 *
 * @throws Error with a `message` that says what stands there instead (`it is a folder, not a file`), or of the system
 *   (`code: 'ENOENT'`, …)
 */
export async function openRegularFile(file: string): Promise<{ handle: FileHandle; size: number }> {
  const entry = await stat(file);
  if (!entry.isFile()) throw new Error(`it is ${kindOf(entry)}, not a file`);
  return { handle: await open(file, 'r'), size: entry.size };
}

function kindOf(entry: Awaited<ReturnType<typeof stat>>): string {
  if (entry.isDirectory()) return 'a folder';
  if (entry.isFIFO()) return 'a pipe';
  if (entry.isSocket()) return 'a socket';
  return 'a device';
}
