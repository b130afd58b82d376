import type { Decoding, KeptRows } from '../policy/decoding/decoding.js';
import { openDecoding } from '../policy/decoding/open.js';
import type { Batch, Policy, PromptPass } from '../policy/policy.js';
import { gather, indices } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';

/**
 * Decodes G completions of each of B prompts, token by token. The prompts were encoded once; all completions of one
 * attend to the same keys and values. Row b · G + g is completion g of prompt b.
 */
export class Decoder {
  B: number;
  G: number;
  /** Tokens decoded so far. */
  length = 0;
  readonly #decoding: Decoding;
  /** Position of each prompt's first completion token. */
  #nextPositions: number[];

  private constructor(args: { decoding: Decoding; nextPositions: number[]; G: number }) {
    this.#decoding = args.decoding;
    this.#nextPositions = args.nextPositions;
    this.B = args.nextPositions.length;
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
    const decoding = openDecoding({
      ...{ parameters: policy.parameters, config: policy.config },
      ...{ prompts: cache, promptLengths, G },
    });
    const decoder = new Decoder({ decoding, nextPositions, G });
    if (G === 1) return { decoder, logits, pass };
    const repeated = scope(() => gather(logits, indices(promptLengths.flatMap((_, b) => Array<number>(G).fill(b)))));
    logits.dispose();
    return { decoder, logits: repeated, pass };
  }

  /** @param tokens the last token of each row `[B · G]` @returns logits of the next, `[B · G, vocabulary]` */
  next(tokens: Int32Array): Tensor {
    const positions = this.#nextPositions.flatMap((p) => Array<number>(this.G).fill(p + this.length));
    const logits = this.#decoding.next({ tokens, positions });
    this.length += 1;
    return logits;
  }

  /** Goes on with some rows only: `kept[b]` lists the completions of prompt `prompts[b]`, the same number for each. */
  keepRows(rows: KeptRows): void {
    this.#decoding.keepRows(rows);
    this.#nextPositions = rows.prompts.map((b) => this.#nextPositions[b]!);
    this.B = rows.prompts.length;
    this.G = rows.kept[0]!.length;
  }

  dispose(): void {
    this.#decoding.dispose();
  }
}
