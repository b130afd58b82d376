import type { Prompt } from '../prompt/prompt.js';

/**
 * Prompts with their completions as one set of token rows, on the host. With B prompts of up to P tokens, each
 * followed by G completions of up to C + 1 tokens, the rows are
 *
 *     [B · P]      the prompts, padded on the right (no row of a prompt sees its padding: attention is causal)
 *     [B · G · C]  the completions without their last token (which predicts nothing that is asked for)
 *
 * A prompt stands here once, whatever G is; its completions attend to its keys and values.
 */
export interface Layout {
  B: number;
  P: number;
  G: number;
  C: number;
  /** `[N]`, N = B · P + B · G · C; padding repeats a token of its own row's prompt or completion. */
  tokenIds: Int32Array;
  /** `[3, N]` */
  positions: Int32Array;
  /** Tokens of each prompt. `[B]` */
  promptLengths: number[];
  /**
   * What predicts each completion token, completion after completion, among the rows that the last layer gives: the last
   * of each prompt, then the completions'. `[M]`
   */
  predictors: Int32Array;
  /** The completion tokens themselves. `[M]` */
  targets: Int32Array;
  /** Completion i (of prompt ⌊i / G⌋) owns tokens offsets[i] … offsets[i + 1] of `targets`. `[B · G + 1]` */
  offsets: Int32Array;
}

/**
 * @param completions token ids of each prompt's completions, the same number G for every prompt; none for prompts alone
 */
export function layOut({ prompts, completions }: { prompts: Prompt[]; completions?: Int32Array[][] }): Layout {
  const B = prompts.length;
  const P = Math.max(...prompts.map((prompt) => prompt.tokenIds.length));
  const groups = completions ?? prompts.map(() => []);
  const G = groups[0]!.length;
  const longest = Math.max(0, ...groups.flat().map((completion) => completion.length));
  const C = G === 0 ? 0 : Math.max(1, longest - 1);
  const n = B * P + B * G * C;

  const tokenIds = new Int32Array(n);
  const positions = new Int32Array(3 * n);
  for (const [b, prompt] of prompts.entries()) {
    const length = prompt.tokenIds.length;
    for (let p = 0; p < P; p++) {
      const source = Math.min(p, length - 1);
      tokenIds[b * P + p] = prompt.tokenIds[source]!;
      for (let axis = 0; axis < 3; axis++) positions[axis * n + b * P + p] = prompt.positions[axis * length + source]!;
    }
  }

  const predictors: number[] = [];
  const targets: number[] = [];
  const offsets = new Int32Array(B * G + 1);
  for (const [b, prompt] of prompts.entries()) {
    for (const [g, completion] of groups[b]!.entries()) {
      const first = B * P + (b * G + g) * C;
      for (let c = 0; c < C; c++) {
        tokenIds[first + c] = completion[Math.min(c, completion.length - 1)] ?? prompt.tokenIds[0]!;
        for (let axis = 0; axis < 3; axis++) positions[axis * n + first + c] = prompt.nextPosition + c;
      }
      for (const [t, token] of completion.entries()) {
        predictors.push(t === 0 ? b : B + (b * G + g) * C + t - 1);
        targets.push(token);
      }
      offsets[b * G + g + 1] = targets.length;
    }
  }
  const promptLengths = prompts.map((prompt) => prompt.tokenIds.length);
  return {
    B,
    P,
    G,
    C,
    tokenIds,
    positions,
    promptLengths,
    predictors: Int32Array.from(predictors),
    targets: Int32Array.from(targets),
    offsets,
  };
}
