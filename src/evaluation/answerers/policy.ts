import type { Processor } from '../../prompt/processor.js';
import type { Prompt } from '../../prompt/prompt.js';
import { changedPromptMaker, type PromptSettings, promptMaker } from '../../prompt/sample-prompt.js';
import type { RolloutEngine } from '../../rollout/engine.js';
import type { PromptStyle } from '../../tasks/task.js';
import type { FrameCache } from '../../video/frame-cache.js';
import type { Answerer } from '../answerer.js';

/** The policy itself, in this process. */
export function policyAnswerer(options: {
  engine: RolloutEngine;
  processor: Processor;
  settings: PromptSettings;
  cache?: FrameCache;
  warn: (message: string) => void;
}): Answerer<Prompt> {
  const { engine, processor, settings } = options;
  const makers = (prompt: PromptStyle) => {
    const shown = { ...options, settings: { ...settings, prompt } };
    return { plain: promptMaker(shown), changed: changedPromptMaker(shown) };
  };
  const byStyle = { think: makers('think'), direct: makers('direct') };
  return {
    isBatched: true,
    prepare: ({ asked, style, change }) =>
      change === undefined ? byStyle[style].plain(asked) : byStyle[style].changed(asked, change),
    length: ({ tokenIds }) => tokenIds.length,
    answer: async ({ prepared, numGenerations, sampling, uniform }) => {
      const { completions } = await engine.generate({ prompts: prepared, numGenerations, sampling, uniform });
      return completions.map((group) =>
        group.map(({ tokenIds }) => ({
          text: processor.tokenizer.decode(tokenIds, { skipSpecialTokens: true }),
          tokens: tokenIds.length,
        })),
      );
    },
  };
}
