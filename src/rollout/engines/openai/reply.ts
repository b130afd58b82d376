import { z } from 'zod';
import type { Prompt } from '../../../prompt/prompt.js';
import type { Tokenizer } from '../../../prompt/tokenizer.js';
import { RunError } from '../../../system/errors.js';
import { FailedTry } from '../../../system/failed-try.js';
import type { Completion } from '../../completion.js';
import type { Fault } from './server.js';

const ids = z.array(z.int().nonnegative());

const replySchema = z.object({
  /** vLLM has them here, SGLang at each choice. */
  prompt_token_ids: ids.nullish(),
  choices: z.array(
    z.object({
      index: z.int().nonnegative(),
      finish_reason: z.string().nullish(),
      message: z.object({ content: z.string().nullish() }),
      token_ids: ids.nullish(),
      prompt_token_ids: ids.nullish(),
      logprobs: z.object({ content: z.array(z.object({ logprob: z.number() })).nullish() }).nullish(),
    }),
  ),
});

/**
 * The completions of a reply, each checked: as many as were asked for, ids that are the text's, a log-prob for each, cut
 * off only where it says so.
 *
 * @returns `[G]`
 * @throws FailedTry `unusable_reply`; RunError `ROLLOUT_OTHER_PROMPT` where the server was shown something else than the policy
 */
export function completionsOf(args: {
  reply: unknown;
  prompt: Prompt;
  numGenerations: number;
  maxLength: number;
  endTokenIds: readonly number[];
  tokenizer: Tokenizer;
}): Completion[] {
  const { reply, prompt, numGenerations, maxLength, endTokenIds, tokenizer } = args;
  const { success, data } = replySchema.safeParse(reply);
  if (!success) throw unusable('it is not in the form of a chat completion');
  const choices = data.choices.toSorted((a, b) => a.index - b.index);
  if (choices.length !== numGenerations) throw unusable(`${choices.length} completions for ${numGenerations}`);
  checkPrompt(data.prompt_token_ids ?? choices[0]?.prompt_token_ids, prompt);
  return choices.map(({ finish_reason, message, token_ids, logprobs }) => {
    if (!token_ids || token_ids.length === 0) throw unusable('there are no token ids');
    const own = logprobs?.content?.map(({ logprob }) => logprob);
    if (own?.length !== token_ids.length)
      throw unusable(`${own?.length ?? 'no'} log-probs of ${token_ids.length} tokens`);
    if (own.some((logprob) => !(logprob <= 1e-3) || logprob < -1000)) throw unusable('a log-prob is none');
    const isEnded = endTokenIds.includes(token_ids.at(-1)!);
    if (isEnded !== (finish_reason === 'stop') || (!isEnded && token_ids.length !== maxLength))
      throw unusable(`it ends by ${finish_reason} after ${token_ids.length} tokens`);
    checkText({ tokenIds: token_ids, content: message.content ?? '', tokenizer });
    return {
      tokenIds: Int32Array.from(token_ids),
      logprobs: Float32Array.from(own, (logprob) => Math.min(0, logprob)),
      truncated: !isEnded,
    };
  });
}

/** Ids of another vocabulary, or of another completion, say something else. */
function checkText(args: { tokenIds: number[]; content: string; tokenizer: Tokenizer }): void {
  const { tokenIds, content, tokenizer } = args;
  let text: string;
  try {
    text = tokenizer.decode(Int32Array.from(tokenIds), { skipSpecialTokens: true });
  } catch {
    throw unusable('token ids are not of this vocabulary');
  }
  if (whole(text) !== whole(content))
    throw unusable('token ids are not those of the text (does the server take reasoning or tools out of it?)');
}

/** Of a character that was cut off in its middle some servers show nothing. */
const whole = (text: string): string => text.trim().replace(/\uFFFD+$/, '');

function checkPrompt(found: number[] | null | undefined, { tokenIds }: Prompt): void {
  if (!found) throw unusable('the prompt’s token ids are missing');
  const at = tokenIds.findIndex((id, i) => id !== found[i]);
  if (at === -1 && found.length === tokenIds.length) return;
  const message = `the server was shown another prompt than the policy: ${found.length} tokens where there are ${tokenIds.length}, other ones from token ${at === -1 ? tokenIds.length : at} on; are its model, chat template and image processor those of model.path?`;
  throw new RunError({ code: 'ROLLOUT_OTHER_PROMPT', message });
}

const unusable = (what: string): FailedTry<Fault> =>
  new FailedTry('unusable_reply', `the reply cannot be used: ${what}`);
