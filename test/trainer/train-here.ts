import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.js';
import { single } from '../../src/parallel/single.js';
import { openRunFolder, type RunFiles } from '../../src/run/run-folder.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { latestCheckpoint } from '../../src/trainer/checkpoint.js';
import { checkOptions } from '../../src/trainer/resume.js';
import { type RunEnd, run } from '../../src/trainer/run.js';
import { inMemoryGroup } from '../parallel/in-memory.js';
import type { TinyProject } from '../tiny-project.js';

interface Trained {
  /** Of the first process. */
  end: Promise<RunEnd>;
  /** Of each process. */
  ends: Promise<RunEnd>[];
  files: RunFiles;
  /** What people were warned of so far. */
  warnings: string[];
}

/** What one of several processes has for itself. */
interface Member {
  set?: string[];
  signal?: AbortSignal;
  /** Called after each step. */
  onStep?: (step: number) => void;
}

/**
 * Starts or resumes a run of the project's config in this process, in the run folder `name`; or several runs that work
 * together, one for each of `members`.
 */
export async function trainHere(
  args: Member & {
    project: TinyProject;
    name: string;
    resume?: boolean;
    acceptChanges?: boolean;
    members?: Member[];
  },
): Promise<Trained> {
  const { project, name, set = [], resume = false, acceptChanges, members = [args] } = args;
  await startRuntime({ report: () => {} });
  const output = `output_dir=${join(project.folder, name)}`;
  const config = await loadConfig({ file: project.config, set: [...set, output] });
  const folder = await openRunFolder({ config, resume });
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) });
  const warn = (message: string) => log.warn(message);
  const checkpoint = resume ? await latestCheckpoint({ folder: folder.checkpoints, warn }) : null;
  if (checkpoint !== null) checkOptions({ checkpoint, config });
  const groups = members.length === 1 ? [single] : inMemoryGroup(members.length);
  const ends = groups.map(async (group, rank) => {
    const { set: own = [], signal = new AbortController().signal, onStep = () => {} } = members[rank]!;
    const ownConfig = await loadConfig({ file: project.config, set: [...set, ...own, output] });
    const progress = { start: () => {}, update: onStep, stop: () => {} };
    // Only the first one can read what was saved.
    const known = rank === 0 ? checkpoint : null;
    return run({ config: ownConfig, folder, checkpoint: known, acceptChanges, log, progress, signal, group });
  });
  const released = Promise.allSettled(ends).then(folder.release);
  const last = ends.map(async (end) => {
    await released;
    return end;
  });
  for (const end of last) end.catch(() => {});
  return { end: last[0]!, ends: last, files: folder, warnings };
}

/** The lines of `metrics.jsonl` and its like. */
export async function readLines(file: string): Promise<Record<string, number>[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
