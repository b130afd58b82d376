import { readdir } from 'node:fs/promises';
import type { Config } from '../../config/schema.js';
import { holdsRun, runFiles } from '../../run/run-folder.js';

/** How a run that was ended from outside goes on: from a checkpoint only where there is one. */
export async function resumeHint({ output_dir }: Pick<Config, 'output_dir'>): Promise<string> {
  if (await hasCheckpoint({ output_dir })) return 'Go on from the last checkpoint with --resume.';
  if (!(await holdsRun(output_dir))) return 'No step was finished: there is nothing to go on from.';
  return `No checkpoint was written yet: there is nothing to go on from; remove ${output_dir} before you start again.`;
}

export async function hasCheckpoint({ output_dir }: Pick<Config, 'output_dir'>): Promise<boolean> {
  const names = await readdir(runFiles(output_dir).checkpoints).catch(() => []);
  return names.some((name) => !name.startsWith('.'));
}
