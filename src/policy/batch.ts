import type { Prompt } from '../prompt/prompt.js';
import { layOut } from './layout.js';
import type { Batch } from './policy.js';

/** Prompts and, for scoring, their completions (token ids, the same number for each prompt). */
export function toBatch({ prompts, completions }: { prompts: Prompt[]; completions?: Int32Array[][] }): Batch {
  return { layout: layOut({ prompts, completions }), visuals: prompts.flatMap(({ visuals }) => visuals) };
}
