import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What has not got its name yet ends so. */
export const UNFINISHED = '.partial';

/**
 * Removes files of a cache, longest unused first, until at most `leave` bytes are there; and what killed processes left.
 *
 * @param ending of its files' names
 */
export async function sweepFolder(args: { folder: string; ending: string; leave: number }): Promise<void> {
  const { folder, ending, leave } = args;
  const files: { path: string; size: number; mtimeMs: number }[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // Another process may have removed it meanwhile.
    const found = await stat(path).catch(() => null);
    if (found === null) continue;
    const { size, mtimeMs } = found;
    if (name.endsWith(ending)) files.push({ path, size, mtimeMs });
    else if (name.endsWith(UNFINISHED) && Date.now() - mtimeMs > 3_600_000) await rm(path, { force: true });
  }
  files.sort((a, b) => a.mtimeMs - b.mtimeMs);
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files) {
    if (total <= leave) return;
    await rm(path, { force: true });
    total -= size;
  }
}
