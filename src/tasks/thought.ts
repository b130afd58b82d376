import type { Sample } from '../dataset/sample.js';

/** What a completion thinks before its answer where somebody wrote that down: the reasoning, else the description. */
export const annotatedThought = ({ reasoning, description }: Sample): string | undefined =>
  (reasoning ?? description) || undefined;
