import { rm } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import type { Progress } from '../run/progress.js';
import { holdsRun, runFiles } from '../run/run-folder.js';
import { synthesize } from '../synthesize/synthesize.js';
import { runDependent } from '../system/dependent.js';
import { RunError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';
import { packageFile } from '../system/package-file.js';
import type { StopSignals } from '../system/stop-signals.js';
import { latestCheckpoint } from '../trainer/checkpoint.js';
import { writeTinyModel } from './tiny-model.js';
import { CLIP_SIZE, framePixels, type QuickstartFamily } from './tiny-shape.js';

/** Clips that are made: few enough to be drawn in seconds, enough that the model cannot learn them by heart. */
const CLIPS = { train: 500, test: 200 };

/** Where a quickstart's parts lie. */
export interface QuickstartFolder {
  path: string;
  clips: string;
  model: string;
  sft: string;
  grpo: string;
}

export const quickstartFolder = (output: string): QuickstartFolder => ({
  path: output,
  clips: path.join(output, 'clips'),
  model: path.join(output, 'model'),
  sft: path.join(output, 'sft'),
  grpo: path.join(output, 'grpo'),
});

export async function makeClips(args: { folder: QuickstartFolder; seed: number; progress: Progress }): Promise<void> {
  const { folder, seed, progress } = args;
  progress.start(CLIPS.train + CLIPS.test, 'drawing clips');
  try {
    const onProgress = ({ done }: { done: number }) => progress.update(done);
    await synthesize({ folder: folder.clips, seed, size: CLIP_SIZE, seconds: [6, 8], splits: CLIPS, onProgress });
  } finally {
    progress.stop();
  }
}

export async function makeModel(args: {
  folder: QuickstartFolder;
  seed: number;
  family: QuickstartFamily;
}): Promise<void> {
  const { folder, ...what } = args;
  if (!(await fileExists(path.join(folder.model, 'config.json'))))
    await writeTinyModel({ folder: folder.model, ...what });
}

/** The config of a stage, and the words that `vau-rft train` needs to run it in this folder. */
export async function stageConfig(args: {
  stage: 'sft' | 'grpo';
  folder: QuickstartFolder;
  seed: number;
  family: QuickstartFamily;
  model: string;
}): Promise<{ config: Config; words: string[] }> {
  const { stage, folder, seed, family, model } = args;
  const pixels = framePixels(family);
  const file = packageFile(`configs/quickstart/${stage}.yaml`);
  const videos = path.join(folder.clips, 'videos');
  const set = [
    `seed=${seed}`,
    `model.path=${model}`,
    `data.train.0.annotations=${path.join(folder.clips, 'train.jsonl')}`,
    `data.train.0.videos=${videos}`,
    `data.eval.0.annotations=${path.join(folder.clips, 'test.jsonl')}`,
    `data.eval.0.videos=${videos}`,
    ...(pixels === CLIP_SIZE ** 2 ? [] : [`data.video.min_pixels=${pixels}`, `data.video.max_pixels=${pixels}`]),
    `output_dir=${folder[stage]}`,
  ];
  const config = await loadConfig({ file, set });
  const shown = path.relative('.', file);
  return { config, words: [shown.startsWith('..') ? file : shown, ...set.flatMap((item) => ['--set', item])] };
}

/** Trains a stage in a process of its own, going on where an earlier call was interrupted; a finished one is left. */
export async function trainStage(args: { config: Config; words: string[]; stop: StopSignals }): Promise<void> {
  const { config, words, stop } = args;
  const files = runFiles(config.output_dir);
  if (await fileExists(files.finished)) return;
  const resume = (await holdsRun(config.output_dir)) ? ['--resume'] : [];
  const command = [process.execPath, packageFile('dist/cli/main.js'), 'train', ...words, ...resume];
  const { code } = await runDependent({ command, stop });
  stop.finish.throwIfAborted();
  if (code !== 0) {
    const message = `${config.name} failed; its log is ${files.log}`;
    throw new RunError({ code: 'QUICKSTART_FAILED', message });
  }
}

/** The folder of a stage's last checkpoint, which is a whole model folder. */
export async function trainedModel(config: Config): Promise<string> {
  const found = await latestCheckpoint({ folder: runFiles(config.output_dir).checkpoints, warn: () => {} });
  if (found !== null) return path.relative('.', found.folder);
  const message = `${config.output_dir} holds no whole checkpoint; start over with --fresh`;
  throw new RunError({ code: 'QUICKSTART_FAILED', message });
}

export const removeAll = (folder: QuickstartFolder): Promise<void> => rm(folder.path, { recursive: true, force: true });
