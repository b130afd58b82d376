import { takeLock } from './lock.js';

/**
 * Runs `task` while no other process that asks for the same lock file runs its own.
 *
 * @param waiting is called once, when another process holds the lock
 */
export const withLock = async <T>({
  file,
  waiting,
  task,
}: {
  file: string;
  waiting: () => void;
  task: () => Promise<T>;
}): Promise<T> => {
  const release = await takeLock({ file, patience: Number.POSITIVE_INFINITY, onWait: waiting });
  try {
    return await task();
  } finally {
    await release();
  }
};
