import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/schema.js';
import { clusterGroup } from '../../parallel/cluster-group.js';
import { single } from '../../parallel/single.js';
import { createLog } from '../../run/log.js';
import { silentProgress } from '../../run/progress.js';
import { openRunFolder, type RunFolder, runFiles } from '../../run/run-folder.js';
import { createTrainingProgress, type TrainingProgress } from '../../run/training-view.js';
import { RunError } from '../../system/errors.js';
import { Profile } from '../../system/profile.js';
import { stopSignals, unlessStopped } from '../../system/stop-signals.js';
import type { ClusterOptions } from '../../tensor/cluster.js';
import { startRuntime } from '../../tensor/runtime.js';
import { bestText } from '../../trainer/best-file.js';
import { type Checkpoint, latestCheckpoint, openCheckpoint } from '../../trainer/checkpoint.js';
import { HANDLE_LIMIT } from '../../trainer/loop.js';
import { checkOptions } from '../../trainer/resume.js';
import { type RunEnd, run } from '../../trainer/run.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { isFirst } from './cluster.js';
import { bringModel } from './model.js';
import { hasCheckpoint } from './resume-hint.js';
import { INTERRUPTED_CODE, RESTART_CODE } from './supervise.js';

const EXIT_CODES: Record<RunEnd, number> = { done: 0, interrupted: INTERRUPTED_CODE, restart: RESTART_CODE };

/**
 * Trains in this process.
 *
 * @param resume undefined: a fresh run; '' or 'latest': from the newest whole checkpoint; else a checkpoint's folder
 * @param acceptChanges go on although the data or the model have changed since the checkpoint
 * @param profile takes the times of so many steps
 * @returns the exit code
 */
export async function trainCommand(args: {
  config: Config;
  resume?: string;
  acceptChanges?: boolean;
  profile?: number;
  cluster?: ClusterOptions;
}): Promise<number> {
  // The process that watches over this one ends it where it has to leave at once.
  const { finish: signal } = stopSignals();
  const { config, cluster } = args;
  try {
    const folder = isFirst(cluster)
      ? await openRunFolder({ config, resume: args.resume !== undefined })
      : othersFolder(config);
    try {
      return await trainIn({ ...args, folder, signal });
    } finally {
      await folder.release();
    }
  } catch (error) {
    throw isDiskFull(error) ? diskFull(args.config, error) : error;
  }
}

async function trainIn(args: {
  config: Config;
  resume?: string;
  acceptChanges?: boolean;
  profile?: number;
  cluster?: ClusterOptions;
  folder: RunFolder;
  signal: AbortSignal;
}): Promise<number> {
  const { config, resume, acceptChanges, profile: profiledSteps, cluster, folder, signal } = args;
  const keeps = isFirst(cluster);
  const progress = keeps ? createTrainingProgress() : SILENT;
  const say = (text: string) => void progress.stderr.write(`${text}\n`);
  const log = createLog({ file: keeps ? folder.log : undefined, stderr: progress.stderr });
  const warn = (message: string) => log.warn(message);
  try {
    const checkpoint = resume === undefined || !keeps ? null : await findCheckpoint({ config, folder, resume, warn });
    const profile =
      profiledSteps === undefined
        ? undefined
        : new Profile({ steps: profiledSteps, onDone: (profile) => reportProfile({ profile, folder, say }) });
    if (cluster !== undefined) say(clusterText(cluster));
    const backend = await unlessStopped(startRuntime({ report: say, profile, cluster }), signal);
    const group = backend.collectives === null ? single : clusterGroup(backend.collectives);
    await unlessStopped(ensureFfmpeg({ report: say }), signal);
    await unlessStopped(bringModel(config.model.path), signal);
    log.info({ backend: backend.name, step: checkpoint?.state.step ?? 0, pid: process.pid }, 'started');
    if (backend.name === 'wasm')
      say('TensorFlow is not there: running on WebAssembly, several times slower (vau-rft doctor)');
    if (folder.changes.length > 0) log.info({ changes: folder.changes }, 'resumed with other options');
    for (const change of folder.changes) say(`taken over: ${change}`);
    if (checkpoint !== null) say(`resuming ${config.name} after step ${checkpoint.state.step}`);
    else if (resume !== undefined) say(`${config.name} has no checkpoint yet: starting from its beginning`);
    const handleLimit = Number(process.env.VAU_RFT_HANDLE_LIMIT ?? HANDLE_LIMIT);
    const end = await run({
      config,
      folder,
      checkpoint,
      log,
      progress,
      signal,
      group,
      acceptChanges,
      handleLimit,
      profile,
    });
    log.info({ end }, 'ended');
    if (end === 'done') say(`done: ${path.relative('.', folder.path) || '.'}${await bestText(folder)}`);
    if (end === 'interrupted') await sayStopped({ config, say });
    return EXIT_CODES[end];
  } catch (error) {
    if (error === signal.reason) {
      await sayStopped({ config, say });
      return INTERRUPTED_CODE;
    }
    // People are told by whoever catches it.
    log.info({ error: String(error) }, 'failed');
    throw error;
  }
}

async function sayStopped({ config, say }: { config: Config; say: (text: string) => void }): Promise<void> {
  say((await hasCheckpoint(config)) ? 'saved; go on with --resume' : 'stopped before the first step: nothing to save');
}

function reportProfile(args: { profile: Profile; folder: RunFolder; say: (text: string) => void }): void {
  const { profile, folder, say } = args;
  writeFileSync(folder.profile, profile.chromeTrace());
  say(`\n${profile.summary()}trace for chrome://tracing or ui.perfetto.dev: ${path.relative('.', folder.profile)}`);
}

const isDiskFull = (error: unknown): error is Error =>
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '');

function diskFull(config: Config, cause: Error): RunError {
  const message = `${config.output_dir} cannot be written (${cause.message}); make room and go on with --resume: the checkpoints are whole`;
  return new RunError({ code: 'RUN_DISK_FULL', message, cause });
}

/** What the first process has opened; the others read there, and write nothing. */
function othersFolder({ output_dir }: Config): RunFolder {
  return { ...runFiles(output_dir), changes: [], takeConfig: async () => {}, release: async () => {} };
}

const SILENT: TrainingProgress = { ...silentProgress, stderr: { write: () => {} } };

function clusterText({ hosts, rank }: ClusterOptions): string {
  const others = hosts.filter((_, i) => i !== rank).join(', ');
  return `process ${rank} of ${hosts.length}, waiting for ${others}. Port ${hosts[rank]!.split(':').at(-1)} is open without password or encryption: it belongs into a closed network`;
}

async function findCheckpoint(args: {
  config: Config;
  folder: RunFolder;
  resume: string;
  warn: (message: string) => void;
}): Promise<Checkpoint | null> {
  const { config, folder, resume, warn } = args;
  const isLatest = resume === '' || resume === 'latest';
  const found = isLatest ? await latestCheckpoint({ folder: folder.checkpoints, warn }) : await openCheckpoint(resume);
  if (found !== null) checkOptions({ checkpoint: found, config });
  return found;
}
