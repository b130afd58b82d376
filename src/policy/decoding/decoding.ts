import type { ModelConfig } from '../../model-folder/model-config.js';
import type { PromptCache } from '../../tensor/kernels.js';
import { gather, indices } from '../../tensor/ops.js';
import { dispose, scope, type Tensor } from '../../tensor/tensor.js';
import type { Parameters } from '../parameters.js';

/** Where decoding starts: B prompts, each with G completions. */
export interface DecodingStart {
  parameters: Parameters;
  config: ModelConfig;
  /** Keys and values of the prompts by layer, rows b · KV + head. They are given up. */
  prompts: PromptCache[];
  promptLengths: number[];
  G: number;
}

/** The decoder over completions, a token of each at a time, with the keys and values of all tokens before it. */
export interface Decoding {
  /**
   * @param tokens `[B · G]`, completion g of prompt b in row b · G + g
   * @param positions the same on all three axes, `[B · G]`
   * @returns logits of the token after it, `[B · G, vocabulary]`
   */
  next(args: { tokens: Int32Array; positions: readonly number[] }): Tensor;
  /** Goes on with some rows only: `kept[i]` lists the completions of prompt `prompts[i]`, the same number for each. */
  keepRows(args: KeptRows): void;
  dispose(): void;
}

export interface KeptRows {
  prompts: readonly number[];
  kept: readonly number[][];
}

/** Some rows of every tensor of a cache, which is given up. */
export function pick<Layer extends Record<keyof Layer, Tensor>>(
  cache: readonly Layer[],
  rows: readonly number[],
): Layer[] {
  return scope(() => {
    const at = indices(rows);
    const some = (layer: Layer) =>
      Object.fromEntries(Object.entries<Tensor>(layer).map(([name, x]) => [name, gather(x, at)])) as Layer;
    const picked = cache.map(some);
    dispose(cache);
    return picked;
  });
}
