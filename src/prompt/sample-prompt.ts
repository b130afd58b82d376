import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { Sample, TaskName } from '../dataset/sample.js';
import { SampleError, VideoError } from '../errors.js';
import type { FrameCache } from '../video/frame-cache.js';
import type { Frames, VideoSettings } from '../video/frames.js';
import { loadFrames, videoKey } from '../video/load-frames.js';
import type { PromptStyle } from './answer.js';
import { buildPrompt } from './build.js';
import type { Processor } from './processor.js';
import type { Prompt } from './prompt.js';
import { checkPromptLength, checkWords } from './sample-words.js';
import { promptText } from './tasks.js';

/** How samples are shown to the model: the config's `data`, as far as it is about that. */
export interface PromptSettings {
  prompt: PromptStyle;
  system_prompt?: string;
  prompt_templates?: Partial<Record<TaskName, string>>;
  classes?: readonly string[];
  video: VideoSettings;
  /** In tokens, the video's included. */
  max_prompt_length: number;
}

/** @throws SampleError where the sample cannot be used */
export type PreparePrompt = (sample: Sample) => Promise<Prompt>;

interface MakerOptions {
  processor: Processor;
  settings: PromptSettings;
  cache?: FrameCache;
  /** Takes what is odd about a video that is used all the same, each time that it is used. */
  warn: (message: string) => void;
}

/** Makes what decodes a sample's video and builds its prompt; as many videos at a time as there are cores. */
export function promptMaker(options: MakerOptions): PreparePrompt {
  const limit = pLimit(availableParallelism());
  return (sample) => limit(() => samplePrompt({ ...options, sample }));
}

async function samplePrompt({
  sample,
  processor,
  settings,
  cache,
  warn,
}: MakerOptions & { sample: Sample }): Promise<Prompt> {
  const { prompt: style, classes, prompt_templates: templates, system_prompt: systemPrompt } = settings;
  const { max_prompt_length: limit } = settings;
  const userText = promptText({ sample, style, classes, templates });
  checkWords({ sample, userText, tokenizer: processor.tokenizer, limit });
  const { frames, videoKey } = await framesOf({ sample, processor, settings, cache });
  frames.warnings.forEach(warn);
  const prompt = buildPrompt({ processor, userText, frames, systemPrompt, videoKey });
  checkPromptLength({ sample, length: prompt.tokenIds.length, limit });
  return prompt;
}

async function framesOf({
  sample,
  processor,
  settings,
  cache,
}: Omit<MakerOptions, 'warn'> & { sample: Sample }): Promise<{ frames: Frames; videoKey: string }> {
  const request = { file: sample.video, settings: settings.video, factor: processor.factor };
  try {
    return { frames: await loadFrames({ ...request, cache }), videoKey: await videoKey(request) };
  } catch (cause) {
    if (!(cause instanceof VideoError)) throw cause;
    throw new SampleError({ code: cause.code, message: cause.message, reason: 'the video cannot be read', cause });
  }
}
