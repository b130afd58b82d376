import { toBatch } from '../policy/batch.js';
import type { Policy, PromptPass } from '../policy/policy.js';
import type { Completion } from './completion.js';
import { Decoder } from './decoder.js';
import type { RolloutRequest } from './engine.js';
import { drawTokens } from './sampler.js';

/**
 * Samples G completions of each prompt. Video and prompt are encoded once; finished completions leave the batch.
 *
 * @param endTokenIds any of these ends a completion and belongs to it
 * @returns `[B][G]`, and the pass over the prompts if it is to be kept
 */
export function generate(args: RolloutRequest & { policy: Policy; endTokenIds: readonly number[] }): {
  completions: Completion[][];
  pass: PromptPass | null;
} {
  const { policy, prompts, numGenerations: G, sampling, endTokenIds, uniform, keepsPass = false } = args;
  const drafts = prompts.map((_, prompt) => Array.from({ length: G }, (_, generation) => draft(prompt, generation)));
  const {
    decoder,
    logits: first,
    pass,
  } = Decoder.start({
    policy,
    batch: toBatch({ prompts }),
    nextPositions: prompts.map(({ nextPosition }) => nextPosition),
    G,
    keepsPass,
  });
  let logits = first;
  const seen = (row: number) => {
    const { prompt, tokens } = rows[row]!;
    return new Set([...prompts[prompt]!.tokenIds, ...tokens]);
  };
  /** The draft in each row; one that is done may hold its place until the batch shrinks. */
  let rows = drafts.flat();
  try {
    for (let length = 0; ; ) {
      const uniforms = Float32Array.from(rows, ({ prompt, generation }) => uniform(prompt, generation, length));
      const forbidden = length < sampling.min_completion_length ? endTokenIds : [];
      const { tokens, logprobs } = drawTokens({ logits, uniforms, sampling, forbidden, seen });
      logits.dispose();
      for (const [row, completion] of rows.entries()) {
        if (completion.done) continue;
        completion.tokens.push(tokens[row]!);
        completion.logprobs.push(logprobs[row]!);
        completion.done = endTokenIds.includes(tokens[row]!);
      }
      length += 1;
      if (length === sampling.max_completion_length || rows.every(({ done }) => done)) break;
      // Before the second token there is no completion in the cache whose row could leave.
      if (length > 1) rows = shrink({ decoder, rows });
      logits = decoder.next(Int32Array.from(rows, ({ tokens: drawn }) => drawn.at(-1)!));
    }
  } finally {
    decoder.dispose();
  }
  return { completions: drafts.map((group) => group.map(finish)), pass };
}

interface Draft {
  prompt: number;
  generation: number;
  tokens: number[];
  logprobs: number[];
  done: boolean;
}

const draft = (prompt: number, generation: number): Draft => ({
  prompt,
  generation,
  tokens: [],
  logprobs: [],
  done: false,
});

const finish = ({ tokens, logprobs, done }: Draft): Completion => ({
  tokenIds: Int32Array.from(tokens),
  logprobs: Float32Array.from(logprobs),
  truncated: !done,
});

/** Rows that stay are worth a copy of their cache when they are at most this share of all. */
const SHRINK_AT = 0.75;

/** Takes finished completions out of the batch: all prompts keep as many rows as the busiest one needs. */
function shrink({ decoder, rows }: { decoder: Decoder; rows: Draft[] }): Draft[] {
  const { B, G } = decoder;
  const groups = Array.from({ length: B }, (_, b) => rows.slice(b * G, (b + 1) * G));
  const open = groups.map((group) => group.filter(({ done }) => !done).length);
  const width = Math.max(...open);
  const prompts = [...groups.keys()].filter((b) => open[b]! > 0);
  if (prompts.length * width > SHRINK_AT * B * G) return rows;
  const kept = prompts.map((b) => {
    const order = [...groups[b]!.keys()].sort((i, j) => Number(groups[b]![i]!.done) - Number(groups[b]![j]!.done));
    return order.slice(0, width);
  });
  decoder.keepRows({ prompts, kept });
  return prompts.flatMap((b, i) => kept[i]!.map((g) => groups[b]![g]!));
}
