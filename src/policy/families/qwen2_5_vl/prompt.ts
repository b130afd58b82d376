import { CLIP_PROCESSOR } from '../../../model-folder/video-processor-config.js';
import type { FamilyPrompt } from '../../../prompt/family-prompt.js';
import { secondsPerGrid } from '../../../prompt/seconds-per-grid.js';
import { QWEN2_CHAT_TEMPLATE } from '../qwen2_vl/prompt.js';
import type { Qwen25VLConfig } from './config.js';

/** A video's time is that of its slices in seconds, `tokensPerSecond` positions each (Bai et al. 2025, §2.1.2). */
export const prompt: FamilyPrompt<Qwen25VLConfig> = {
  chatTemplate: { name: 'Qwen2.5-VL', source: QWEN2_CHAT_TEMPLATE },
  processor: CLIP_PROCESSOR,
  blocks: ({ visual: { grid, times }, config: { vision } }) => {
    const seconds = secondsPerGrid({ times, temporalPatchSize: vision.temporalPatchSize });
    // A picture, and a video of one frame, have one slice, whose time is 0 whatever the interval is.
    return [{ grid, interval: seconds === undefined ? undefined : vision.tokensPerSecond * seconds }];
  },
};
