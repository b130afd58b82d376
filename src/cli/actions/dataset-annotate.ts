import path from 'node:path';
import { annotateVideos, type ToAnnotate } from '../../annotate/annotate-videos.js';
import { AnnotationFolder } from '../../annotate/annotation-folder.js';
import { serveReview } from '../../annotate/review-server.js';
import type { Known } from '../../annotate/steps.js';
import { type JudgeOptions, judge as judgeSchema } from '../../config/judge-options.js';
import { partValue } from '../../dataset/annotation.js';
import { VAU_BENCH_CLASSES } from '../../dataset/classes.js';
import { listVisuals } from '../../dataset/list-videos.js';
import { formatOf, readAnnotations } from '../../dataset/read.js';
import { splitSource } from '../../dataset/videos.js';
import { billText } from '../../judge/bill-text.js';
import { Judge } from '../../judge/judge.js';
import { createProgress } from '../../run/progress.js';
import { DataError, RunError, UsageError } from '../../system/errors.js';
import { stopSignals } from '../../system/stop-signals.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { inFolder } from './in-folder.js';

interface AnnotateArgs {
  videos: string;
  out: string;
  server?: string;
  model?: string;
  judge: readonly string[];
  labels?: string;
  classes: readonly string[] | undefined;
  prompts?: string;
  fps: number;
  maxFrames: number;
  seed: number;
  review: boolean;
  port: number;
}

/** Reasons that are told one by one. */
const TOLD = 10;

/** Annotates a folder of videos, and lets a person decide. @returns the exit code */
export async function annotateAction(args: AnnotateArgs): Promise<number> {
  const { out, review } = args;
  const { finish: signal } = stopSignals();
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const task = async (folder: AnnotationFolder) => {
    const videos = await videosOf(args, say);
    await ensureFfmpeg({ report: say });
    const code = await annotateMissing({ ...args, videos, folder, say, signal });
    if (review) {
      const classes = args.classes ?? VAU_BENCH_CLASSES;
      const files = new Map(videos.map(({ name, file }) => [name, file]));
      await serveReview({ folder, files, classes, port: args.port, say, signal });
    }
    return code;
  };
  return inFolder({ folder: out, open: () => AnnotationFolder.open(out), task });
}

async function annotateMissing(
  args: Omit<AnnotateArgs, 'videos'> & {
    videos: readonly ToAnnotate[];
    folder: AnnotationFolder;
    say: (text: string) => void;
    signal: AbortSignal;
  },
): Promise<number> {
  const { videos, folder, say, signal, classes = VAU_BENCH_CLASSES, prompts, seed, fps, maxFrames } = args;
  const missing = videos.filter(({ name }) => folder.item(name) === undefined);
  if (missing.length < videos.length)
    say(`${videos.length - missing.length} of ${videos.length} are annotated already`);
  if (missing.length > 0) {
    const judge = new Judge(judgeOptions(args), { signal });
    const progress = createProgress();
    progress.start(missing.length, 'annotating');
    try {
      const settings = { fps, max_frames: maxFrames, min_pixels: 12_544, max_pixels: 401_408 };
      const onProgress = (done: number) => progress.update(done);
      const failed = await annotateVideos({
        judge,
        videos,
        folder,
        settings,
        classes,
        prompts,
        seed,
        onProgress,
        signal,
      });
      progress.stop();
      say(billText(judge.bill()));
      for (const [name, reason] of [...failed].slice(0, TOLD)) say(`not annotated: ${name}: ${reason}`);
      if (failed.size > TOLD) say(`and ${failed.size - TOLD} more`);
      await folder.writeBenchmark();
      if (folder.items.length === 0) {
        const message = `not one of the ${videos.length} videos could be annotated; the reasons stand above`;
        throw new RunError({ code: 'ANNOTATE_NOTHING', message });
      }
      say(`${folder.benchmark}: ${folder.items.length} of ${videos.length} videos`);
      return failed.size > 0 ? 1 : 0;
    } finally {
      progress.stop();
    }
  }
  await folder.writeBenchmark();
  say(`${folder.benchmark}: ${folder.items.length} of ${videos.length} videos`);
  return 0;
}

/** Flags, as the options of a config's `judge`. @throws UsageError */
function judgeOptions({ server, model, judge, prompts }: Omit<AnnotateArgs, 'videos'>): JudgeOptions {
  const more = judge.map((one) => {
    const [, name, value] = /^([a-z_]+)=(.*)$/s.exec(one) ?? [];
    if (name === undefined)
      throw new UsageError({ code: 'USAGE', message: `--judge ${one}: it takes an option, as budget=5` });
    const number = Number(value);
    return [name, value !== '' && Number.isFinite(number) ? number : value] as const;
  });
  const named = { ...(server && { base_url: server }), ...(model && { model }), ...(prompts && { prompts }) };
  const parsed = judgeSchema.safeParse({ ...named, ...Object.fromEntries(more) });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join('.') || 'judge'}: ${message}`);
  const message = `who is asked is not clear (--server, --model, --judge): ${problems.join('; ')}`;
  throw new UsageError({ code: 'USAGE', message });
}

/** The videos of the folder, with what is known of them. */
async function videosOf(args: AnnotateArgs, say: (text: string) => void): Promise<ToAnnotate[]> {
  const { videos, labels, classes = VAU_BENCH_CLASSES } = args;
  const { video } = await listVisuals({ folder: videos, warn: say });
  if (video.length === 0) {
    const message = `${videos}: there is no video in it`;
    throw new DataError({ code: 'DATA_NOTHING_USABLE', message });
  }
  const known = labels === undefined ? new Map<string, Known>() : await knownOf(labels, classes);
  const found = video.filter((name) => known.has(stemOf(name))).length;
  if (labels !== undefined) say(`${labels}: something is known of ${found} of ${video.length} videos`);
  return video.map((name) => ({ name, file: path.resolve(videos, name), known: known.get(stemOf(name)) ?? {} }));
}

const stemOf = (name: string) => splitSource(path.parse(name).name).rest;

async function knownOf(file: string, classes: readonly string[]): Promise<Map<string, Known>> {
  const { annotations } = await readAnnotations({ source: formatOf(file), file, classes });
  return new Map(
    annotations.map((row) => {
      const segment = partValue(row.segment);
      const known: Known = {
        class: partValue(row.class),
        ...(segment?.kind === 'interval' && { segment: [segment.start, segment.end] as [number, number] }),
        ...(segment?.kind === 'normal' && { segment: 'normal' as const }),
        ...(row.description !== undefined && { caption: row.description }),
      };
      return [stemOf(row.visuals[0]?.name ?? ''), known] as const;
    }),
  );
}
