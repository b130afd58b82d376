import { readFile } from 'node:fs/promises';
import { loadConfig } from '../config/load.js';
import { configDigest } from '../config/text.js';
import { holdsRun, runFiles } from '../run/run-folder.js';
import { UsageError } from '../system/errors.js';
import type { PlannedRun } from './plan.js';

/** What a run that is done has written as `finished.json`. */
export interface Finished {
  step: number;
  /** Held-out metrics by name: `tag/miou`, `reward`, … */
  evaluation: Record<string, number>;
}

/** How far one planned run is. */
export type RunState = { kind: 'new' } | { kind: 'begun' } | { kind: 'finished'; finished: Finished };

/**
 * Looks into the folder of a planned run.
 *
 * @throws {UsageError} `ABLATION_STALE` if what lies there was made with other options: it must not pass for this run
 */
export async function runState({ name, config }: PlannedRun): Promise<RunState> {
  if (!(await holdsRun(config.output_dir))) return { kind: 'new' };
  const files = runFiles(config.output_dir);
  const before = await loadConfig({ file: files.config }).catch(() => undefined);
  if (before === undefined || configDigest(before) !== configDigest(config)) {
    const message = `${config.output_dir} holds a run “${name}” that was made with other options; remove it, or give the ablation another output_dir`;
    throw new UsageError({ code: 'ABLATION_STALE', message });
  }
  const finished = await readFinished(files.finished);
  return finished === undefined ? { kind: 'begun' } : { kind: 'finished', finished };
}

/** The marker of a run that is done; undefined where there is none, or none that can be read. */
async function readFinished(file: string): Promise<Finished | undefined> {
  try {
    const { step, evaluation } = JSON.parse(await readFile(file, 'utf8')) as Partial<Finished>;
    return typeof step === 'number' ? { step, evaluation: evaluation ?? {} } : undefined;
  } catch {
    return undefined;
  }
}
