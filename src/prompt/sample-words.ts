import type { Sample } from '../dataset/sample.js';
import { SampleError } from '../system/errors.js';
import type { Tokenizer } from './tokenizer.js';

/** The words of a sample's prompt, and of its annotated answer where the model is to learn it. */
interface Words {
  sample: Sample;
  userText: string;
  /** Left out: the answer is the model's own affair. */
  target?: string;
}

/**
 * Looks at what can be told of a prompt before its video is decoded.
 *
 * @param limit of the prompt, in tokens, the target's included
 * @returns how many tokens of the limit are the target's
 * @throws SampleError `PROMPT_INVALID` for a question, an option or a target with a special token of this tokenizer (a
 *   template or a system prompt may hold some on purpose), `PROMPT_TOO_LONG` for words that are too many by themselves
 */
export function checkWords({
  sample,
  userText,
  target = '',
  tokenizer,
  limit,
}: Words & { tokenizer: Tokenizer; limit: number }): number {
  const question = tokenizer.encode([sample.question ?? '', ...(sample.options ?? [])].join('\n'));
  const answer = tokenizer.encode(target);
  const special = [...question, ...answer].find((id) => tokenizer.specialTokenIds.has(id));
  if (special !== undefined) {
    const token = tokenizer.decode([special]);
    const message = `${sample.id}: its question, an option or its answer holds ${token}, which is not text to the model; take it out`;
    throw new SampleError({ code: 'PROMPT_INVALID', message, reason: 'the annotation holds a special token' });
  }
  checkPromptLength({ sample, length: tokenizer.encode(userText).length + answer.length, limit });
  return answer.length;
}

/** @param length in tokens @throws SampleError `PROMPT_TOO_LONG` */
export function checkPromptLength({ sample, length, limit }: { sample: Sample; length: number; limit: number }): void {
  if (length <= limit) return;
  const message = `${sample.id}: its prompt has ${length} tokens or more, and data.max_prompt_length is ${limit}; shorten the question, take fewer or smaller frames (data.video), or raise the limit`;
  throw new SampleError({
    code: 'PROMPT_TOO_LONG',
    message,
    reason: 'the prompt is longer than data.max_prompt_length',
  });
}
