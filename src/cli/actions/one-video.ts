import path from 'node:path';
import { LIMITS } from '../../config/limits.js';
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
import type { ModelArgs } from '../model-options.js';
import { checkNumbers, countUpTo, positive } from '../numbers.js';

/** Loads a model and builds the prompt of one question about one video. */
export async function openOneVideo(args: ModelArgs): Promise<{ models: Models; prompt: Prompt }> {
  const settings = videoSettings(args);
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  await startRuntime({ report: say });
  if (args.video !== undefined) await ensureFfmpeg({ report: say });
  const plan = args.adapter === undefined ? undefined : await unmergedPlan(args.model, args.adapter);
  const config = {
    model: { path: args.model, dtype: args.dtype, freeze_vision: true, adapter: args.adapter },
    seed: 0,
  };
  const models = await openModels({ config, withReference: false, plan });
  const { processor } = models;
  const seen: Seen[] = [];
  if (args.video !== undefined) {
    const frames = await loadFrames({ file: path.resolve(args.video), settings, factor: processor.factor });
    for (const warning of frames.warnings) say(`warning: ${warning}`);
    seen.push({ kind: 'video', frames });
  }
  const prompt = buildPrompt({ processor, userText: args.prompt, seen, systemPrompt: args.system });
  return { models, prompt };
}

/** What is printed of a prompt; times in seconds. */
export function promptJson({ models, prompt }: { models: Models; prompt: Prompt }) {
  const times = prompt.visuals[0]?.times ?? [];
  return {
    prompt_token_ids: [...prompt.tokenIds],
    frame_times: times,
    second_per_grid_ts: secondsPerGrid({ times, ...models.processor.video }) ?? null,
  };
}

/**
 * What an adapter adapts if it can stay beside the weights, as in training, where bfloat16 weights would round it away;
 * undefined for one that has to be added to them.
 */
async function unmergedPlan(model: string, folder: string): Promise<AdapterPlan | undefined> {
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

function videoSettings(args: ModelArgs) {
  const pixels = countUpTo(LIMITS.pixels);
  const frames = countUpTo(LIMITS.max_frames);
  checkNumbers(args, { fps: positive, 'max-frames': frames, 'min-pixels': pixels, 'max-pixels': pixels });
  const { fps, 'max-frames': max_frames, 'min-pixels': min_pixels, 'max-pixels': max_pixels } = args;
  if (min_pixels > max_pixels) {
    const message = `--min-pixels must be at most --max-pixels (${max_pixels}), got ${min_pixels}`;
    throw new UsageError({ code: 'USAGE', message });
  }
  return { fps, max_frames, min_pixels, max_pixels };
}
