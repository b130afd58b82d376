import pLimit from 'p-limit';
import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import { onlyVideo, type VisualFile } from '../dataset/visual.js';
import { usableCpus } from '../system/cpus.js';
import type { PromptStyle } from '../tasks/task.js';
import { expectedCompletion, promptText } from '../tasks/words.js';
import type { FrameCache } from '../video/frame-cache.js';
import type { VideoSettings } from '../video/frames.js';
import { loadFrames, videoKey } from '../video/load-frames.js';
import { loadPicture, type PictureSettings, pictureKey } from '../video/picture.js';
import { buildPrompt } from './build.js';
import type { FrameChange } from './frame-changes.js';
import type { Processor } from './processor.js';
import type { Prompt } from './prompt.js';
import { checkFileLength, checkLength, type PastEnd, unreadable } from './sample-length.js';
import { checkPromptLength, checkWords } from './sample-words.js';
import type { Seen } from './seen.js';

/** How samples are shown to the model: the config's `data`, as far as it is about that. */
export interface PromptSettings {
  prompt: PromptStyle;
  system_prompt?: string;
  prompt_templates?: Partial<Record<TaskName, string>>;
  classes?: readonly string[];
  video: VideoSettings;
  image: PictureSettings;
  /** In tokens, the video's included, and those of the annotated answer where it is learned. */
  max_prompt_length: number;
  past_the_end: PastEnd;
}

/** @throws SampleError where the sample cannot be used */
export type PreparePrompt = (sample: Sample) => Promise<Prompt>;

/** Shows a sample's only video otherwise. @returns null where nothing is left of it */
export type PrepareChanged = (sample: Sample, change: FrameChange) => Promise<Prompt | null>;

interface MakerOptions {
  processor: Processor;
  settings: PromptSettings;
  /** The annotated answers are learned: they are looked at, too. */
  learnsAnswers?: boolean;
  /** Prompts hold what they were made of. */
  keepsShown?: boolean;
  cache?: FrameCache;
  /** Takes what is odd about a video or a sample that is used all the same, each time that it is used. */
  warn: (message: string) => void;
}

/** Makes what decodes a sample's video and builds its prompt; as many videos at a time as there are cores. */
export function promptMaker(options: MakerOptions): PreparePrompt {
  const limit = pLimit(usableCpus());
  // Without a change there is always something left.
  return (sample) => limit(async () => (await samplePrompt({ ...options, sample }))!);
}

/** The same of samples whose video is changed. */
export function changedPromptMaker(options: MakerOptions): PrepareChanged {
  const limit = pLimit(usableCpus());
  return (sample, change) => limit(() => samplePrompt({ ...options, sample, change }));
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

type SampleOptions = MakerOptions & { sample: Sample; change?: FrameChange };

async function samplePrompt(options: SampleOptions): Promise<Prompt | null> {
  const { sample, processor, settings, warn, change } = options;
  const { userText, targetTokens } = checkedText(options);
  const seen: Seen[] = [];
  for (const visual of sample.visuals) {
    const one = await see({ ...options, visual }).catch(unreadable(visual.file));
    one.frames.warnings.forEach(warn);
    seen.push(one);
  }
  const video = onlyVideo(seen);
  const pastEnd = settings.past_the_end;
  if (video !== undefined) await checkLength({ sample, frames: video.frames, pastEnd, bounds: settings.video, warn });
  const shown = change === undefined ? seen : changed(seen, change);
  if (shown === null) return null;
  const made = { userText, seen: shown, systemPrompt: settings.system_prompt };
  const prompt = buildPrompt({ processor, ...made });
  checkPromptLength({ sample, length: prompt.tokenIds.length + targetTokens, limit: settings.max_prompt_length });
  return options.keepsShown ? { ...prompt, shown: made } : prompt;
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

/** What is not as it was read has no key: it is never taken for it. */
function changed(seen: readonly Seen[], change: FrameChange): Seen[] | null {
  const [video] = seen;
  const frames = change(video!.frames);
  return frames === null ? null : [{ kind: video!.kind, frames }];
}

async function see(options: SampleOptions & { visual: VisualFile }): Promise<Seen> {
  const { visual, processor, settings, cache } = options;
  const { kind, file, part } = visual;
  const { factor } = processor;
  if (kind === 'image') {
    const request = { file, settings: settings.image, factor };
    return { kind, frames: await loadPicture(request), key: await pictureKey(request) };
  }
  const request = { file, part, settings: settings.video, factor };
  return { kind, frames: await loadFrames({ ...request, cache }), key: await videoKey(request) };
}
