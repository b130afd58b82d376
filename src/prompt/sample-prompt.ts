import pLimit from 'p-limit';
import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import { usableCpus } from '../system/cpus.js';
import type { PromptStyle } from '../tasks/task.js';
import { expectedCompletion, promptText } from '../tasks/words.js';
import type { FrameCache } from '../video/frame-cache.js';
import type { Frames, VideoSettings } from '../video/frames.js';
import { loadFrames, videoKey } from '../video/load-frames.js';
import { buildPrompt } from './build.js';
import type { Processor } from './processor.js';
import type { Prompt } from './prompt.js';
import { checkFileLength, checkLength, type PastEnd, unreadable } from './sample-length.js';
import { checkPromptLength, checkWords } from './sample-words.js';

/** How samples are shown to the model: the config's `data`, as far as it is about that. */
export interface PromptSettings {
  prompt: PromptStyle;
  system_prompt?: string;
  prompt_templates?: Partial<Record<TaskName, string>>;
  classes?: readonly string[];
  video: VideoSettings;
  /** In tokens, the video's included, and those of the annotated answer where it is learned. */
  max_prompt_length: number;
  past_the_end: PastEnd;
}

/** @throws SampleError where the sample cannot be used */
export type PreparePrompt = (sample: Sample) => Promise<Prompt>;

interface MakerOptions {
  processor: Processor;
  settings: PromptSettings;
  /** The annotated answers are learned: they are looked at, too. */
  learnsAnswers?: boolean;
  cache?: FrameCache;
  /** Takes what is odd about a video or a sample that is used all the same, each time that it is used. */
  warn: (message: string) => void;
}

/** Makes what decodes a sample's video and builds its prompt; as many videos at a time as there are cores. */
export function promptMaker(options: MakerOptions): PreparePrompt {
  const limit = pLimit(usableCpus());
  return (sample) => limit(() => samplePrompt({ ...options, sample }));
}

/**
 * Makes what finds out whether a sample can be used, as far as it can be told without decoding: by its words, and by how
 * long its video is.
 */
export function sampleChecker(options: Omit<MakerOptions, 'cache'>): (sample: Sample) => Promise<void> {
  const limit = pLimit(usableCpus());
  const { settings, warn } = options;
  return (sample) =>
    limit(async () => {
      checkedText({ ...options, sample });
      await checkFileLength({ sample, pastEnd: settings.past_the_end, bounds: settings.video, warn });
    });
}

type SampleOptions = MakerOptions & { sample: Sample };

async function samplePrompt(options: SampleOptions): Promise<Prompt> {
  const { sample, processor, settings, warn } = options;
  const { userText, targetTokens } = checkedText(options);
  const { frames, key } = await framesOf(options).catch(unreadable);
  frames.warnings.forEach(warn);
  await checkLength({ sample, frames, pastEnd: settings.past_the_end, bounds: settings.video, warn });
  const seen = [{ kind: 'video' as const, frames, key }];
  const prompt = buildPrompt({ processor, userText, seen, systemPrompt: settings.system_prompt });
  checkPromptLength({ sample, length: prompt.tokenIds.length + targetTokens, limit: settings.max_prompt_length });
  return prompt;
}

/** @throws SampleError for words that cannot be shown */
function checkedText({ sample, processor, settings, learnsAnswers }: Omit<SampleOptions, 'cache'>): {
  userText: string;
  targetTokens: number;
} {
  const { prompt: style, classes, prompt_templates: templates, max_prompt_length: limit } = settings;
  const userText = promptText({ sample, style, classes, templates });
  const target = learnsAnswers ? expectedCompletion({ sample, style }) : undefined;
  const targetTokens = checkWords({ sample, userText, target, tokenizer: processor.tokenizer, limit });
  return { userText, targetTokens };
}

async function framesOf({
  sample,
  processor,
  settings,
  cache,
}: SampleOptions): Promise<{ frames: Frames; key: string }> {
  const request = { file: sample.video, settings: settings.video, factor: processor.factor };
  return { frames: await loadFrames({ ...request, cache }), key: await videoKey(request) };
}
