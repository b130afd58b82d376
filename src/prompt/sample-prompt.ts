import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { Sample, TaskName } from '../dataset/sample.js';
import type { FrameCache } from '../video/frame-cache.js';
import type { VideoSettings } from '../video/frames.js';
import { loadFrames, videoKey } from '../video/load-frames.js';
import type { PromptStyle } from './answer.js';
import { buildPrompt } from './build.js';
import type { Processor } from './processor.js';
import type { Prompt } from './prompt.js';
import { promptText } from './tasks.js';

/** How samples are shown to the model: the config's `data`, as far as it is about that. */
export interface PromptSettings {
  prompt: PromptStyle;
  system_prompt?: string;
  prompt_templates?: Partial<Record<TaskName, string>>;
  classes?: readonly string[];
  video: VideoSettings;
}

/** @throws VideoError where the video cannot be read */
export type PreparePrompt = (sample: Sample) => Promise<Prompt>;

/** Makes what decodes a sample's video and builds its prompt; as many videos at a time as there are cores. */
export function promptMaker(options: {
  processor: Processor;
  settings: PromptSettings;
  cache?: FrameCache;
}): PreparePrompt {
  const limit = pLimit(availableParallelism());
  return (sample) => limit(() => samplePrompt({ ...options, sample }));
}

async function samplePrompt({
  sample,
  processor,
  settings,
  cache,
}: {
  sample: Sample;
  processor: Processor;
  settings: PromptSettings;
  cache?: FrameCache;
}): Promise<Prompt> {
  const { prompt: style, classes, prompt_templates: templates, system_prompt: systemPrompt, video } = settings;
  const request = { file: sample.video, settings: video, factor: processor.factor };
  return buildPrompt({
    processor,
    userText: promptText({ sample, style, classes, templates }),
    frames: await loadFrames({ ...request, cache }),
    systemPrompt,
    videoKey: await videoKey(request),
  });
}
