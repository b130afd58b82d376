import { access, constants, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadConfig } from '../config/load.js';
import { describeChange, resumeChanges } from '../config/resume.js';
import type { Config } from '../config/schema.js';
import { resolvedConfigText, withoutSecrets } from '../config/text.js';
import { writeAtomically } from '../system/atomic-write.js';
import { UsageError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';
import { takeLock, type Wait } from '../system/lock.js';

/** The files of a run's folder (absolute paths), locked for this process until `release`. */
export interface RunFolder extends RunFiles {
  /** Options that the run had before it was resumed and has other values of now: `training.save_steps: 100 → 50`. */
  changes: string[];
  /** Makes `config.yaml` that of the resumed run, once nothing speaks against it any more. */
  takeConfig(): Promise<void>;
  release(): Promise<void>;
}

export interface RunFiles {
  path: string;
  config: string;
  log: string;
  metrics: string;
  completions: string;
  /** What rewards have said that are not pure, a line a completion and reward. */
  verdicts: string;
  /** What a server has sampled, a line a prompt. */
  rollouts: string;
  /** Adapters that servers are given. */
  adapters: string;
  /** Held-out metrics, a line an evaluation. */
  evaluations: string;
  /** The answers of the latest evaluation, a line a sample. */
  heldOut: string;
  checkpoints: string;
  /** The times of some steps, with `--profile`: a Chrome trace. */
  profile: string;
  /** Written when the run has done all of its steps. */
  finished: string;
  /** Which checkpoint is the best so far. */
  best: string;
}

/** Where things lie in a run's folder, which need not exist. */
export function runFiles(folder: string): RunFiles {
  const path = resolve(folder);
  return {
    path,
    config: join(path, 'config.yaml'),
    log: join(path, 'run.log'),
    metrics: join(path, 'metrics.jsonl'),
    completions: join(path, 'completions.jsonl'),
    rollouts: join(path, 'rollouts.jsonl'),
    adapters: join(path, 'rollout'),
    verdicts: join(path, 'verdicts.jsonl'),
    evaluations: join(path, 'evaluations.jsonl'),
    heldOut: join(path, 'held-out.jsonl'),
    checkpoints: join(path, 'checkpoints'),
    profile: join(path, 'profile.json'),
    finished: join(path, 'finished.json'),
    best: join(path, 'best.json'),
  };
}

/** Whether a folder holds a run that has made a step: one that failed before, or at its first, is begun anew. */
export async function holdsRun(folder: string): Promise<boolean> {
  const { metrics, checkpoints, finished } = runFiles(folder);
  const { size } = await stat(metrics).catch(() => ({ size: 0 }));
  const names = await readdir(checkpoints).catch(() => []);
  return size > 0 || names.some((name) => !name.startsWith('.')) || (await fileExists(finished));
}

/** For a process that was killed a moment ago and has not quite gone; milliseconds. */
const LOCK_PATIENCE = 2000;

/**
 * Makes (or, to resume, opens) the folder of a run, locks it, and writes `config.yaml` into a new one.
 *
 * @throws {UsageError} `RUN_EXISTS` if a fresh run would mix with an older one; `RUN_CONFIG_CHANGED` if the run to be
 *   resumed was started with options that make other numbers; `RUN_LOCKED` if another process is writing it;
 *   `RUN_FOLDER` if the folder cannot be made, or something else stands where one of its files has to be
 */
export async function openRunFolder({ config, resume }: { config: Config; resume: boolean }): Promise<RunFolder> {
  const files = runFiles(config.output_dir);
  await makeFolder(files.path);
  const release = await takeLock({ file: join(files.path, 'run.lock'), patience: LOCK_PATIENCE, onWait: sayUnknown });
  const takeConfig = () => writeAtomically({ file: files.config, text: resolvedConfigText(config) });
  try {
    await checkKinds(files);
    await removeHalfWritten(files.path);
    const isBegun = await holdsRun(files.path);
    if (isBegun && !resume) {
      const message = `${config.output_dir} already holds a run; go on with it by --resume, or give this one another name or output_dir`;
      throw new UsageError({ code: 'RUN_EXISTS', message });
    }
    const isKnown = isBegun && (await fileExists(files.config));
    const changes = isKnown ? await changesSince(files.config, config) : [];
    await mkdir(files.checkpoints, { recursive: true });
    if (!isKnown) await takeConfig();
    return { ...files, changes, takeConfig, release };
  } catch (error) {
    await release();
    throw error;
  }
}

function sayUnknown({ message, lives }: Wait): void {
  if (!lives) process.stderr.write(`${message}; waiting for a sign of life\n`);
}

/** What killed processes have left: files that had not got their names yet. */
async function removeHalfWritten(folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.filter((name) => name.endsWith('.tmp'))) await rm(join(folder, name), { force: true });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    const message = `the run's folder ${folder} cannot be made or written (${(cause as Error).message}); give output_dir another place`;
    throw new UsageError({ code: 'RUN_FOLDER', message, cause });
  }
}

/** What is in the way of a run's files is told before the run computes for an hour. */
async function checkKinds({ path: folder, checkpoints, adapters, ...files }: RunFiles): Promise<void> {
  const folders = [checkpoints, adapters];
  for (const file of [...folders, ...Object.values(files)]) {
    const entry = await stat(file).catch(() => undefined);
    const isFolder = folders.includes(file);
    const wanted = isFolder ? entry?.isDirectory() : entry?.isFile();
    if (entry === undefined || wanted) continue;
    const message = `${file} is not a ${isFolder ? 'folder' : 'file'}, and the run needs one of that name; move it away, or give the run another output_dir (now ${folder})`;
    throw new UsageError({ code: 'RUN_FOLDER', message });
  }
}

async function changesSince(file: string, config: Config): Promise<string[]> {
  const { taken, refused } = resumeChanges(await loadConfig({ file }), withoutSecrets(config));
  if (refused.length === 0) return taken.map(describeChange);
  const message = `the run in ${config.output_dir} was started with other options:\n  ${refused.map(describeChange).join('\n  ')}\nTake these back to resume it, or start another run under another name`;
  throw new UsageError({ code: 'RUN_CONFIG_CHANGED', message });
}
