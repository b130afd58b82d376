import type { Prompt } from '../../../prompt/prompt.js';
import type { Frames } from '../../../video/frames.js';
import { losslessUrl, videoUrl } from '../../../video/picture-url.js';
import type { Sampling } from '../../completion.js';

/**
 * A prompt as a chat request: the words, and what there is to see as it was shown to the policy, pixel by pixel. The model
 * and what asks for token ids are the server's to add.
 *
 * @param endTokenIds any of these ends a completion
 */
export async function chatRequest(args: {
  prompt: Prompt;
  numGenerations: number;
  sampling: Sampling;
  seed: number;
  endTokenIds: readonly number[];
}): Promise<object> {
  const { prompt, numGenerations, sampling, seed, endTokenIds } = args;
  const { systemPrompt, userText, seen } = prompt.shown!;
  const parts = await Promise.all(
    seen.map(async ({ kind, frames }) =>
      kind === 'image'
        ? { type: 'image_url', image_url: { url: await losslessUrl(frames, 0) } }
        : { type: 'video_url', video_url: { url: await videoUrl(frames) } },
    ),
  );
  const user = { role: 'user', content: [...parts, { type: 'text', text: userText }] };
  const system = systemPrompt === undefined ? [] : [{ role: 'system', content: systemPrompt }];
  const { temperature, top_p, top_k, min_p, repetition_penalty } = sampling;
  return {
    messages: [...system, user],
    n: numGenerations,
    logprobs: true,
    ...{ temperature, top_p, min_p, repetition_penalty, seed },
    top_k: top_k === 0 ? -1 : top_k,
    max_tokens: sampling.max_completion_length,
    min_tokens: sampling.min_completion_length,
    stop_token_ids: endTokenIds,
    ...asShown(seen.map(({ frames }) => frames)),
  };
}

/** Frames are sampled and sized already: nothing is to be done about them again. */
function asShown(all: readonly Frames[]): object {
  const [first] = all;
  if (first === undefined) return {};
  const pixels = all.map(({ height, width }) => height * width);
  const { times, count } = first;
  const rate = count < 2 ? {} : { fps: (count - 1) / (times.at(-1)! - times[0]!) };
  return {
    mm_processor_kwargs: {
      do_sample_frames: false,
      min_pixels: Math.min(...pixels),
      max_pixels: Math.max(...pixels),
      ...rate,
    },
    media_io_kwargs: { video: { num_frames: -1 } },
  };
}
