import path from 'node:path';
import { LIMITS } from '../../config/limits.js';
import type { VideoPart } from '../../dataset/visual.js';
import { modelFolder } from '../../model-folder/model-folder.js';
import type { AdapterPlan } from '../../policy/adapter/plan.js';
import { readTrainable } from '../../policy/adapter/trainable.js';
import { readModelConfig } from '../../policy/families/read-config.js';
import { buildPrompt } from '../../prompt/build.js';
import type { Prompt } from '../../prompt/prompt.js';
import { secondsPerGrid } from '../../prompt/seconds-per-grid.js';
import type { Seen } from '../../prompt/seen.js';
import { ModelError, UsageError } from '../../system/errors.js';
import { startRuntime } from '../../tensor/runtime.js';
import { type Models, openModels } from '../../trainer/models.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { loadFrames } from '../../video/load-frames.js';
import { loadPicture } from '../../video/picture.js';
import type { ModelArgs } from '../model-options.js';
import { checkNumbers, countUpTo, positive } from '../numbers.js';
import { bringModel } from './model.js';

/** Loads a model and builds the prompt of one question, with what there is to see. */
export async function openQuestion(args: ModelArgs): Promise<{ models: Models; prompt: Prompt }> {
  const settings = visualSettings(args);
  const part = partOf(args);
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const { video: videos = [], image: pictures = [] } = args;
  await startRuntime({ report: say });
  if (videos.length > 0) await ensureFfmpeg({ report: say });
  await bringModel(args.model);
  const plan = args.adapter === undefined ? undefined : await unmergedPlan(args.model, args.adapter);
  const config = {
    model: { path: args.model, dtype: args.dtype, freeze_vision: true, adapter: args.adapter },
    seed: 0,
  };
  const models = await openModels({ config, withReference: false, plan });
  const { processor } = models;
  const { factor } = processor;
  const seen: Seen[] = [];
  for (const name of pictures)
    seen.push({
      kind: 'image',
      frames: await loadPicture({ file: path.resolve(name), settings: settings.image, factor }),
    });
  for (const name of videos)
    seen.push({
      kind: 'video',
      frames: await loadFrames({ file: path.resolve(name), part, settings: settings.video, factor }),
    });
  for (const { frames } of seen) for (const warning of frames.warnings) say(`warning: ${warning}`);
  const prompt = buildPrompt({ processor, userText: args.prompt, seen, systemPrompt: args.system });
  return { models, prompt };
}

/** What is printed of a prompt; times in seconds, of several videos a list each. */
export function promptJson({ models, prompt }: { models: Models; prompt: Prompt }) {
  const { temporalPatchSize } = models.processor.video;
  const videos = prompt.visuals.filter(({ kind }) => kind === 'video').map(({ times }) => times);
  const seconds = videos.map((times) => secondsPerGrid({ times, temporalPatchSize }) ?? null);
  const isOne = videos.length < 2;
  return {
    prompt_token_ids: [...prompt.tokenIds],
    frame_times: isOne ? (videos[0] ?? []) : videos,
    second_per_grid_ts: isOne ? (seconds[0] ?? null) : seconds,
  };
}

/**
 * What an adapter adapts if it can stay beside the weights, as in training, where bfloat16 weights would round it away;
 * undefined for one that has to be added to them.
 */
export async function unmergedPlan(model: string, folder: string): Promise<AdapterPlan | undefined> {
  const config = await readModelConfig(await modelFolder(model));
  const found = await readTrainable({ folder, model: config });
  return 'plan' in found ? found.plan : undefined;
}

/**
 * Where logits are not numbers, the likeliest token is always the first.
 *
 * @throws ModelError `MODEL_NOT_FINITE`
 */
export function checkNumbersOf(model: string, logprobs: Float32Array): void {
  if (!logprobs.some(Number.isNaN)) return;
  const message = `${model} gives log-probabilities that are not numbers: its weights are damaged or from a training that failed, or too large for the type they are computed in (--dtype float32).`;
  throw new ModelError({ code: 'MODEL_NOT_FINITE', message });
}

function visualSettings(args: ModelArgs) {
  const pixels = countUpTo(LIMITS.pixels);
  const frames = countUpTo(LIMITS.max_frames);
  checkNumbers(args, {
    fps: positive,
    'max-frames': frames,
    'min-pixels': pixels,
    'max-pixels': pixels,
    'image-min-pixels': pixels,
    'image-max-pixels': pixels,
  });
  const bounds = (of: '' | 'image-') => {
    const [min_pixels, max_pixels] = [args[`${of}min-pixels`], args[`${of}max-pixels`]];
    if (min_pixels <= max_pixels) return { min_pixels, max_pixels };
    const message = `--${of}min-pixels must be at most --${of}max-pixels (${max_pixels}), got ${min_pixels}`;
    throw new UsageError({ code: 'USAGE', message });
  };
  return { video: { fps: args.fps, max_frames: args['max-frames'], ...bounds('') }, image: bounds('image-') };
}

/** The part of the video that is shown, where not all of it is. */
function partOf(args: ModelArgs): VideoPart | undefined {
  const { 'video-start': start, 'video-end': end } = args;
  if (start === undefined && end === undefined) return undefined;
  if (args.video?.length !== 1)
    throw new UsageError({ code: 'USAGE', message: '--video-start and --video-end go with one --video' });
  if (!((start ?? 0) >= 0) || (end !== undefined && !(end > (start ?? 0)))) {
    const message = `--video-start must be 0 or greater and --video-end after it, got ${start ?? 0} and ${end}`;
    throw new UsageError({ code: 'USAGE', message });
  }
  return { start: start ?? 0, end };
}
