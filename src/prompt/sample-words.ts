import type { Sample } from '../dataset/sample.js';
import { SampleError } from '../errors.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Looks at what can be told of a prompt before its video is decoded.
 *
 * @param limit of the prompt, in tokens
 * @throws SampleError `PROMPT_INVALID` for a question or an option with a special token of this tokenizer (a template or
 *   a system prompt may hold some on purpose), `PROMPT_TOO_LONG` for words that are too many by themselves
 */
export function checkWords({
  sample,
  userText,
  tokenizer,
  limit,
}: {
  sample: Sample;
  userText: string;
  tokenizer: Tokenizer;
  limit: number;
}): void {
  const annotated = tokenizer.encode([sample.question ?? '', ...(sample.options ?? [])].join('\n'));
  const special = annotated.find((id) => tokenizer.specialTokenIds.has(id));
  if (special !== undefined) {
    const token = tokenizer.decode([special]);
    const message = `${sample.id}: its question or an option holds ${token}, which is not text to the model; take it out`;
    throw new SampleError({ code: 'PROMPT_INVALID', message, reason: 'the question holds a special token' });
  }
  checkPromptLength({ sample, length: tokenizer.encode(userText).length, limit });
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
