import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Interrupted } from '../../system/interrupted.js';
import { takeLock } from '../../system/lock.js';
import { INTERRUPTED_CODE } from './supervise.js';

/**
 * Works in a folder that no other process works in meanwhile; it is made if it is not there.
 *
 * @param folder undefined: nothing is kept anywhere
 * @param open what stands open while the work goes on
 * @returns the task's exit code, or that of an interruption
 */
export async function inFolder<Opened extends { close(): Promise<void> }>(args: {
  folder: string | undefined;
  open: () => Promise<Opened>;
  task: (opened: Opened) => Promise<number>;
}): Promise<number> {
  const { folder, open, task } = args;
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const release = folder === undefined ? undefined : await takeLock({ file: path.join(folder, 'lock') });
  try {
    const opened = await open();
    try {
      return await task(opened);
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (error instanceof Interrupted) return INTERRUPTED_CODE;
    throw error;
  } finally {
    await release?.();
  }
}
