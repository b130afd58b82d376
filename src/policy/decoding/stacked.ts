import type { ModelConfig } from '../../model-folder/model-config.js';
import type { PromptCache } from '../../tensor/kernels.js';
import { MASKED } from '../../tensor/masked.js';
import { cast, gather, indices, reshape, transpose, upload } from '../../tensor/ops.js';
import type { NormedLinear, StackedKernels, StackedWeights } from '../../tensor/stacked-layer.js';
import { dispose, scope, type Tensor } from '../../tensor/tensor.js';
import { embedTokens } from '../embedding.js';
import { headOf, headProduct, LAST_NORM } from '../head.js';
import type { Parameters } from '../parameters.js';
import { textRotary } from '../rope.js';
import { type Decoding, type DecodingStart, type KeptRows, pick } from './decoding.js';
import { stackedNorm, stackedWeights } from './stacked-weights.js';

/** Floats of a table of rotations that are sent to the device for a token. */
const MOST_COPIED = 2 ** 17;

/** Decoding by `StackedKernels`. Rows of what is kept: head, prompt, completion. */
export class StackedDecoding implements Decoding {
  readonly #parameters: Parameters;
  readonly #config: ModelConfig;
  readonly #kernels: StackedKernels;
  readonly #layers: StackedWeights[];
  readonly #lastNorm: Tensor;
  #prompts: PromptCache[];
  #promptLengths: readonly number[];
  #mask: Tensor | undefined;
  #G: number;
  /** Keys and values of the completions by layer. */
  #own: { kv: Tensor }[] = [];

  constructor({ parameters, config, prompts, promptLengths, G, kernels }: DecodingStart & { kernels: StackedKernels }) {
    const { text } = config;
    this.#parameters = parameters;
    this.#config = config;
    this.#kernels = kernels;
    // A layer at a time, so that no more than one is there twice.
    this.#layers = Array.from({ length: text.numLayers }, (_, index) =>
      scope(() => stackedWeights({ parameters, config: text, index })),
    );
    this.#lastNorm = stackedNorm(parameters, LAST_NORM);
    this.#prompts = prompts.map((prompt) => {
      const turned = scope(() => headsFirst(prompt, text.numKeyValueHeads));
      dispose(prompt);
      return turned;
    });
    this.#promptLengths = promptLengths;
    this.#mask = this.#maskOfPadding();
    this.#G = G;
  }

  next({ tokens, positions }: { tokens: Int32Array; positions: readonly number[] }): Tensor {
    const parameters = this.#parameters;
    const { text } = this.#config;
    const { numKeyValueHeads: KV, rmsNormEps: epsilon } = text;
    const place = { B: this.#promptLengths.length, G: this.#G, KV, R: text.numHeads / KV, epsilon };
    const { logits, own } = scope(() => {
      const rotary = this.#rotary(positions);
      const grown: { kv: Tensor }[] = [];
      let x = embedTokens(parameters, tokens);
      for (const [index, weights] of this.#layers.entries()) {
        const cache = { prompt: this.#prompts[index]!, mask: this.#mask, own: this.#own[index]?.kv };
        const layer = this.#kernels.layer({ ...place, ...cache, x, weights, rotary });
        cache.own?.dispose();
        grown.push({ kv: layer.own });
        x.dispose();
        x = layer.y;
      }
      const normed = this.#kernels.norm({ x, weight: this.#lastNorm, epsilon, type: parameters.type });
      return { logits: headProduct(headOf({ parameters, config: this.#config }), normed), own: grown };
    });
    this.#own = own;
    return logits;
  }

  keepRows({ prompts, kept }: KeptRows): void {
    const B = this.#promptLengths.length;
    const heads = Array.from({ length: 2 * this.#config.text.numKeyValueHeads }, (_, head) => head);
    const ofHead = (head: number) => prompts.map((b) => head * B + b);
    const ownRows = heads.flatMap((head) =>
      prompts.flatMap((b, i) => kept[i]!.map((g) => (head * B + b) * this.#G + g)),
    );
    if (prompts.length < B) this.#prompts = pick(this.#prompts, heads.slice(0, heads.length / 2).flatMap(ofHead));
    this.#own = pick(this.#own, ownRows);
    this.#promptLengths = prompts.map((b) => this.#promptLengths[b]!);
    this.#G = kept[0]!.length;
    this.#mask?.dispose();
    this.#mask = this.#maskOfPadding();
  }

  dispose(): void {
    dispose(this.#prompts, this.#own, this.#mask, this.#lastNorm, this.#copies());
  }

  /** Stacks of what is trained, and what was computed of weights; the weights themselves are the model's. */
  #copies(): Tensor[] {
    const tensors = this.#layers.flatMap(({ qkv, o, gateUp, down, ...rest }) => [
      ...[qkv, o, gateUp, down].flatMap(({ weight, low, norm }: NormedLinear) => [weight, low?.a, low?.b, norm]),
      ...Object.values<Tensor | undefined>(rest),
    ]);
    return tensors.flatMap((tensor) => (tensor === undefined || tensor.kept ? [] : [tensor]));
  }

  /** `[KV · B, 1, P]`, where prompts are of several lengths. */
  #maskOfPadding(): Tensor | undefined {
    const KV = this.#config.text.numKeyValueHeads;
    const lengths = this.#promptLengths;
    const P = this.#prompts[0]!.v.shape[1]!;
    if (lengths.every((length) => length === P)) return undefined;
    const mask = new Float32Array(KV * lengths.length * P);
    for (let row = 0; row < KV * lengths.length; row++)
      mask.fill(MASKED, row * P + lengths[row % lengths.length]!, (row + 1) * P);
    return scope(() => cast(upload(mask, [KV * lengths.length, 1, P]), this.#parameters.type));
  }

  /** What `StackedLayerArgs` calls so. */
  #rotary(positions: readonly number[]): Tensor {
    const { numHeads: H, numKeyValueHeads: KV, headDim: D, ropeAxes, ropeTheta, qkNorm } = this.#config.text;
    const N = positions.length;
    const all = Int32Array.from([...positions, ...positions, ...positions]);
    const { cos, sin } = textRotary({ positions: all, axes: ropeAxes, theta: ropeTheta, dimension: D });
    const turned = (factor: number) => {
      const values = new Float32Array(N * D);
      for (let i = 0; i < N * D; i += 2) {
        const [row, pair] = [Math.floor(i / D), (i % D) / 2];
        values[i] = factor * cos[row * D + pair]!;
        values[i + 1] = factor * sin[row * D + D / 2 + pair]!;
      }
      return values;
    };
    if (qkNorm) return upload(turned(1), [1, N, D / 2, 2]);
    const unturned = new Float32Array(N * D).map((_, i) => 1 - (i % 2));
    const kinds = concatenated([turned(D ** -0.5), turned(1), unturned]);
    const kindOfHead = [H, KV, KV].flatMap((count, kind) => Array<number>(count).fill(kind));
    const shape = [H + 2 * KV, N, D / 2, 2];
    // Copying a little more takes less time than another launch.
    if (kindOfHead.length * N * D > MOST_COPIED) {
      return scope(() => reshape(gather(upload(kinds, [3, N * D]), indices(kindOfHead)), shape));
    }
    const ofHeads = kindOfHead.map((kind) => kinds.subarray(kind * N * D, (kind + 1) * N * D));
    return upload(concatenated(ofHeads), shape);
  }
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const width = parts[0]!.length;
  const whole = new Float32Array(parts.length * width);
  for (const [i, part] of parts.entries()) whole.set(part, i * width);
  return whole;
}

/** Rows b · KV + head become head · B + b, and the dimensions of a head pairs. */
function headsFirst({ kt, v }: PromptCache, KV: number): PromptCache {
  const [heads, P, D] = v.shape as [number, number, number];
  const [B, pairs] = [heads / KV, [2, D / 2]];
  return {
    kt: reshape(transpose(reshape(kt, [B, KV, ...pairs, P]), [1, 0, 3, 2, 4]), kt.shape),
    v: reshape(transpose(reshape(v, [B, KV, P, ...pairs]), [1, 0, 2, 4, 3]), v.shape),
  };
}
