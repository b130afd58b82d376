/** One sampled continuation of a prompt. */
export interface Completion {
  /** With the end token, unless `truncated`. `[C]` */
  tokenIds: Int32Array;
  /** log π(token) under softmax(logits / temperature), as sampled. `[C]` */
  logprobs: Float32Array;
  /** It reached the length limit without an end token. */
  truncated: boolean;
}

/** How the likeliest tokens are taken, whatever a run samples with. */
export const GREEDY = { temperature: 0, top_p: 1, top_k: 0, min_p: 0, repetition_penalty: 1 } as const;

/** How tokens are drawn; names and defaults are those of the config's `rollout`. */
export interface Sampling {
  /** 0: the most likely token each time. */
  temperature: number;
  /** Tokens are drawn from the smallest set whose probability reaches this; 1: from all. */
  top_p: number;
  /** Tokens are drawn from the k likeliest; 0: from all. */
  top_k: number;
  /** Tokens are drawn from those that have at least this part of the likeliest one's probability; 0: from all. */
  min_p: number;
  /** Logits of tokens that the prompt or the completion holds are divided by this where positive, else multiplied; 1: not. */
  repetition_penalty: number;
  /** Tokens. */
  max_completion_length: number;
  /** Tokens before an end token may be drawn. */
  min_completion_length: number;
}
