import { stat } from 'node:fs/promises';
import { runFiles } from '../../run/run-folder.js';
import { fileExists } from '../../system/file-exists.js';

/** Whether a run has written anything within so many seconds, or has nothing left to do. */
export async function runHealth({ run, within }: { run: string; within: number }): Promise<{
  text: string;
  isWell: boolean;
}> {
  const { finished, metrics, evaluations, log } = runFiles(run);
  if (await fileExists(finished)) return { text: 'done', isWell: true };
  const times = await Promise.all([metrics, evaluations, log].map(writtenAt));
  const last = Math.max(...times);
  if (last === Number.NEGATIVE_INFINITY) return { text: `${run} holds no run`, isWell: false };
  const seconds = Math.round((Date.now() - last) / 1000);
  return { text: `last written ${seconds} s ago`, isWell: seconds <= within };
}

const writtenAt = (file: string): Promise<number> =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.NEGATIVE_INFINITY,
  );
