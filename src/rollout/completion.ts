/** One sampled continuation of a prompt. */
export interface Completion {
  /** With the end token, unless `truncated`. `[C]` */
  tokenIds: Int32Array;
  /** log π(token) under softmax(logits / temperature), as sampled. `[C]` */
  logprobs: Float32Array;
  /** It reached the length limit without an end token. */
  truncated: boolean;
}

/** How tokens are drawn; names and defaults are those of the config's `rollout`. */
export interface Sampling {
  /** 0: the most likely token each time. */
  temperature: number;
  /** Tokens are drawn from the smallest set whose probability reaches this; 1: from all. */
  top_p: number;
  /** Tokens are drawn from the k likeliest; 0: from all. */
  top_k: number;
  /** Tokens. */
  max_completion_length: number;
  /** Tokens before an end token may be drawn. */
  min_completion_length: number;
}
