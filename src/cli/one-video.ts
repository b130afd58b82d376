import path from 'node:path';
import { UsageError } from '../errors.js';
import { readAdapter } from '../policy/files/adapter.js';
import { buildPrompt } from '../prompt/build.js';
import type { Prompt } from '../prompt/prompt.js';
import { startRuntime } from '../tensor/runtime.js';
import { type Models, openModels } from '../trainer/models.js';
import { loadFrames } from '../video/load-frames.js';
import type { ModelArgs } from './model-options.js';

/** Loads a model and builds the prompt of one question about one video. */
export async function openOneVideo(args: ModelArgs): Promise<{ models: Models; prompt: Prompt }> {
  await startRuntime({ report: (line) => void process.stderr.write(`${line}\n`) });
  const settings = videoSettings(args);
  const lora = args.adapter === undefined ? undefined : (await readAdapter(args.adapter)).lora;
  const config = {
    model: { path: args.model, dtype: args.dtype, freeze_vision: true, lora, adapter: args.adapter },
    seed: 0,
    method: 'sft' as const,
    grpo: { beta: 0 },
  };
  const models = await openModels({ config });
  const { processor } = models;
  const frames =
    args.video === undefined
      ? undefined
      : await loadFrames({ file: path.resolve(args.video), settings, factor: processor.factor });
  const prompt = buildPrompt({ processor, userText: args.prompt, frames, systemPrompt: args.system });
  return { models, prompt };
}

function videoSettings(args: ModelArgs) {
  const settings = {
    fps: args.fps,
    max_frames: args['max-frames'],
    min_pixels: args['min-pixels'],
    max_pixels: args['max-pixels'],
  };
  for (const [name, value] of Object.entries(settings))
    if (!(value > 0)) {
      const message = `--${name.replaceAll('_', '-')} must be greater than 0, got ${value}`;
      throw new UsageError({ code: 'USAGE', message });
    }
  return settings;
}
