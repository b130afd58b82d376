import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.js';
import type { ProcessGroup } from '../../src/parallel/process-group.js';
import { single } from '../../src/parallel/single.js';
import { openRunFolder, type RunFiles } from '../../src/run/run-folder.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { latestCheckpoint } from '../../src/trainer/checkpoint.js';
import { checkOptions } from '../../src/trainer/resume.js';
import { type RunEnd, run } from '../../src/trainer/run.js';
import type { TinyProject } from '../tiny-project.js';

interface Trained {
  end: Promise<RunEnd>;
  files: RunFiles;
  /** What people were warned of so far. */
  warnings: string[];
}

/** Starts or resumes a run of the project's config in this process, in the run folder `name`. */
export async function trainHere(args: {
  project: TinyProject;
  name: string;
  set?: string[];
  signal?: AbortSignal;
  resume?: boolean;
  group?: ProcessGroup;
  acceptChanges?: boolean;
  /** Called after each step. */
  onStep?: (step: number) => void;
}): Promise<Trained> {
  const { project, name, set = [], signal = new AbortController().signal, onStep = () => {} } = args;
  const { resume = false, acceptChanges, group = single } = args;
  await startRuntime({ report: () => {} });
  const output = `output_dir=${join(project.folder, name)}`;
  const config = await loadConfig({ file: project.config, set: [...set, output] });
  const folder = await openRunFolder({ config, resume });
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) });
  const progress = { start: () => {}, update: onStep, stop: () => {} };
  const warn = (message: string) => log.warn(message);
  const checkpoint = resume ? await latestCheckpoint({ folder: folder.checkpoints, warn }) : null;
  if (checkpoint !== null) checkOptions({ checkpoint, config });
  const end = run({ config, folder, checkpoint, acceptChanges, log, progress, signal, group }).finally(folder.release);
  return { end, files: folder, warnings };
}

/** The lines of `metrics.jsonl` and its like. */
export async function readLines(file: string): Promise<Record<string, number>[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
