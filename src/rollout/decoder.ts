import { decodeRows } from '../policy/decode-rows.js';
import type { Batch, Policy, PromptPass } from '../policy/policy.js';
import type { KeyValue, PromptCache } from '../tensor/kernels.js';
import { gather, indices } from '../tensor/ops.js';
import { dispose, scope, type Tensor } from '../tensor/tensor.js';

/**
 * Decodes G completions of each of B prompts, token by token. The prompts were encoded once; all completions of one
 * attend to the same keys and values. Row b · G + g is completion g of prompt b.
 */
export class Decoder {
  B: number;
  G: number;
  /** Tokens decoded so far. */
  length = 0;
  readonly #policy: Policy;
  readonly #KV: number;
  #prompts: PromptCache[];
  #own: KeyValue[] = [];
  #promptLengths: number[];
  /** Position of each prompt's first completion token. */
  #nextPositions: number[];

  private constructor(args: {
    policy: Policy;
    prompts: PromptCache[];
    promptLengths: number[];
    nextPositions: number[];
    G: number;
  }) {
    this.#policy = args.policy;
    this.#KV = args.policy.config.text.numKeyValueHeads;
    this.#prompts = args.prompts;
    this.#promptLengths = args.promptLengths;
    this.#nextPositions = args.nextPositions;
    this.B = args.promptLengths.length;
    this.G = args.G;
  }

  /**
   * Encodes the prompts.
   *
   * @returns also the logits of the first token, `[B · G, vocabulary]`, and the pass if it is to be kept
   */
  static start(args: { policy: Policy; batch: Batch; nextPositions: number[]; G: number; keepsPass: boolean }): {
    decoder: Decoder;
    logits: Tensor;
    pass: PromptPass | null;
  } {
    const { policy, batch, nextPositions, G, keepsPass } = args;
    const { promptLengths } = batch.layout;
    const { cache, logits, pass } = policy.encodePrompts({ batch, keepsPass });
    const decoder = new Decoder({ policy, prompts: cache, promptLengths, nextPositions, G });
    if (G === 1) return { decoder, logits, pass };
    const repeated = scope(() => gather(logits, indices(promptLengths.flatMap((_, b) => Array<number>(G).fill(b)))));
    logits.dispose();
    return { decoder, logits: repeated, pass };
  }

  /** @param tokens the last token of each row `[B · G]` @returns logits of the next, `[B · G, vocabulary]` */
  next(tokens: Int32Array): Tensor {
    const positions = this.#nextPositions.flatMap((p) => Array<number>(this.G).fill(p + this.length));
    const { hidden, own } = decodeRows({
      parameters: this.#policy.parameters,
      config: this.#policy.config,
      tokens,
      positions,
      prompts: this.#prompts,
      promptLengths: this.#promptLengths,
      own: this.#own,
      t: this.length,
    });
    this.#own = own;
    this.length += 1;
    const logits = this.#policy.logits(hidden);
    hidden.dispose();
    return logits;
  }

  /** Goes on with some rows only: `kept[b]` lists the completions of prompt `prompts[b]`, the same number for each. */
  keepRows({ prompts, kept }: { prompts: number[]; kept: number[][] }): void {
    const KV = this.#KV;
    const heads = Array.from({ length: KV }, (_, head) => head);
    const promptRows = prompts.flatMap((b) => heads.map((head) => b * KV + head));
    const ownRows = prompts.flatMap((b, i) =>
      heads.flatMap((head) => kept[i]!.map((g) => (b * KV + head) * this.G + g)),
    );
    if (prompts.length < this.B) this.#prompts = pick(this.#prompts, promptRows);
    this.#own = pick(this.#own, ownRows);
    this.#promptLengths = prompts.map((b) => this.#promptLengths[b]!);
    this.#nextPositions = prompts.map((b) => this.#nextPositions[b]!);
    this.B = prompts.length;
    this.G = kept[0]!.length;
  }

  dispose(): void {
    dispose(this.#prompts, this.#own);
  }
}

/** Some rows of all tensors of a cache, which is given up. */
function pick<Name extends string>(cache: Record<Name, Tensor>[], rows: number[]): Record<Name, Tensor>[] {
  return scope(() => {
    const at = indices(rows);
    const some = (layer: Record<Name, Tensor>) =>
      Object.fromEntries(Object.entries<Tensor>(layer).map(([name, x]) => [name, gather(x, at)]));
    const picked = cache.map((layer) => some(layer) as Record<Name, Tensor>);
    dispose(cache);
    return picked;
  });
}
