/** Makes a set of synthetic clips: plans, then videos, then the annotations that name them. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../system/atomic-write.js';
import { usableCpus } from '../system/cpus.js';
import { encodeVideo } from '../video/encode.js';
import { annotateClip, describeClip } from './annotations.js';
import { datasetJson, readmeText } from './describe.js';
import { type ClipPlan, planClip } from './plan.js';
import { CLIP_FPS, renderClip } from './render.js';
import { checkSettings, DATASET_FILE, findSet, type SetSettings } from './settings.js';

export interface SynthesizeOptions extends Omit<SetSettings, 'generator'> {
  folder: string;
  /** Called after each clip. */
  onProgress?: (progress: { done: number; total: number }) => void;
  /** Stops between clips; a later call goes on from there. */
  signal?: AbortSignal;
}

export interface SynthesizedSet {
  folder: string;
  videos: string;
  /** The annotation file of each split, by its name. */
  annotations: Record<string, string>;
  /** Clips that this call made, and that it found made. */
  made: number;
  kept: number;
}

/**
 * Makes the set, or the rest of it: clips that are there already are kept, and with all there nothing is written. Every
 * file appears whole; annotations come last, so a set that was cut short has none.
 *
 * @throws UsageError for impossible settings, or a folder that holds something else; SetupError without ffmpeg;
 * VideoError when a clip cannot be written.
 */
export async function synthesize({
  folder,
  onProgress,
  signal,
  ...wanted
}: SynthesizeOptions): Promise<SynthesizedSet> {
  const { seed, size, seconds, splits } = wanted;
  const settings: SetSettings = { generator: 1, seed, size, seconds, splits };
  checkSettings(settings);
  const found = await findSet({ folder, settings });

  const plans = new Map(Object.entries(splits).map(([split, clips]) => [split, planSplit({ settings, split, clips })]));
  const videos = join(folder, 'videos');
  await mkdir(videos, { recursive: true });
  if (found === 'none')
    await writeAtomically({ file: join(folder, DATASET_FILE), text: datasetJson({ settings, plans }) });

  const all = [...plans.values()].flat();
  const present = await finishedVideos(videos);
  const missing = all.filter((plan) => !present.has(videoName(plan)));
  const kept = all.length - missing.length;
  let done = kept;
  await inParallel(missing, async (plan) => {
    signal?.throwIfAborted();
    const file = join(videos, videoName(plan));
    await encodeVideo({ file, frames: renderClip(plan), width: size, height: size, fps: CLIP_FPS });
    done += 1;
    onProgress?.({ done, total: all.length });
  });

  const texts = [...plans].flatMap(([split, clips]) => [
    [`${split}.jsonl`, annotationText(clips, annotateClip)] as const,
    [`${split}-reasoning.jsonl`, annotationText(clips, (clip) => [describeClip(clip)])] as const,
  ]);
  for (const [name, text] of [...texts, ['README.md', readmeText({ settings })] as const]) {
    const file = join(folder, name);
    if (!(await hasContent(file))) await writeAtomically({ file, text });
  }
  const annotations = Object.fromEntries(Object.keys(splits).map((split) => [split, join(folder, `${split}.jsonl`)]));
  return { folder, videos, annotations, made: missing.length, kept };
}

const videoName = (plan: ClipPlan) => `${plan.id}.mp4`;

function planSplit({ settings, split, clips }: { settings: SetSettings; split: string; clips: number }): ClipPlan[] {
  return Array.from({ length: clips }, (_, index) => planClip({ ...settings, split }, index));
}

const annotationText = (plans: readonly ClipPlan[], annotate: typeof annotateClip) =>
  plans
    .flatMap((plan) => annotate({ plan, video: videoName(plan) }))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');

/** Names of the clips that are there; what a killed encoder left behind is removed. */
async function finishedVideos(folder: string): Promise<Set<string>> {
  const names = await readdir(folder);
  const finished = new Set<string>();
  for (const name of names) {
    if (name.startsWith('.')) await rm(join(folder, name), { force: true });
    else if (await hasContent(join(folder, name))) finished.add(name);
  }
  return finished;
}

/** An empty file is what a power cut makes of one that was just written. */
const hasContent = (file: string) =>
  stat(file).then(
    ({ size }) => size > 0,
    () => false,
  );

/** An encoder is one process, and drawing the next clip takes a fraction of its time: one a core keeps all busy. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of rest) {
      if (failed) return;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  // All workers are waited for, so that none still writes when the first failure is reported.
  const results = await Promise.allSettled(Array.from({ length: Math.max(2, usableCpus()) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
