import type { ModelConfig, TextConfig } from '../model-folder/model-config.js';
import {
  cast,
  concat,
  crossEntropy,
  downloadFloats,
  indices,
  mul,
  products,
  reshape,
  rows,
  scale,
  sumLast,
  upload,
} from '../tensor/ops.js';
import { dispose, scope, type Tensor } from '../tensor/tensor.js';
import { inComputeType, linearBackward } from './linear.js';
import { type NormSaved, norm, normBackward } from './norm.js';
import type { Parameters } from './parameters.js';

/** Logits that exist at a time, in bytes: the vocabulary is wide, so tokens are scored a chunk at a time. */
const CHUNK_BYTES = 64 * 2 ** 20;

/** log π of completion tokens and the entropy of the distributions that they were drawn from, in nats. `[M]` each */
export interface TokenScores {
  logprobs: Float32Array;
  entropies: Float32Array;
}

/**
 * ∂loss/∂logπ of tokens `start` … `start + logprobs.length`, of the same length as `logprobs`.
 * It is asked for chunk by chunk, since a chunk's logits are freed before the next is made.
 */
export type LogprobGradient = (start: number, chunk: TokenScores) => Float32Array;

interface Head {
  parameters: Parameters;
  config: TextConfig;
  tied: boolean;
}

interface ScoreArgs extends Head {
  /** The last layer's output in the rows that predict. `[M, hidden]` float32 */
  hidden: Tensor;
  /** `[M]` */
  targets: Int32Array;
  temperature: number;
}

/** The head of a model. */
export const headOf = ({ parameters, config }: { parameters: Parameters; config: ModelConfig }): Head => ({
  parameters,
  config: config.text,
  tied: config.tieWordEmbeddings,
});

/** The layer that makes logits: the token embedding where the two are tied. */
const headLayer = (tied: boolean): string => (tied ? 'model.embed_tokens' : 'lm_head');

/** Name of the norm before the head, without `.weight`. */
export const LAST_NORM = 'model.norm';

const finalNorm = ({ parameters, config, hidden }: Head & { hidden: Tensor }) =>
  norm({ parameters, layer: LAST_NORM, x: hidden, epsilon: config.rmsNormEps });

/** `[M, hidden]` of the last layer → `[M, vocabulary]` float32 */
export function logits(args: Head & { hidden: Tensor }): Tensor {
  return scope(() => {
    const { y } = finalNorm(args);
    return headProduct(args, y);
  });
}

/** The product alone, as float32. */
export const headProduct = ({ parameters, tied }: Pick<Head, 'parameters' | 'tied'>, normed: Tensor): Tensor =>
  cast(products(normed, [parameters.get(`${headLayer(tied)}.weight`)])[0]!, 'float32');

/** Scores tokens under softmax(logits / temperature). */
export function scoreTokens(args: ScoreArgs): TokenScores {
  const scores = emptyScores(args.targets.length);
  eachChunk(args, ({ start, normed, targets }) => {
    dispose(scoreChunk({ ...args, normed, targets, start, scores }));
  });
  return scores;
}

/**
 * Scores tokens and goes back: adds the gradients of the head and the last norm.
 *
 * @param needsAll the gradient is asked for once, of all tokens; where they are more than a chunk, the head is computed twice
 * @returns also the gradient of `hidden`, `[M, hidden]`
 */
export function scoreTokensBackward(args: ScoreArgs & { gradient: LogprobGradient; needsAll?: boolean }): {
  scores: TokenScores;
  dHidden: Tensor;
} {
  const { parameters, temperature, tied, gradient, needsAll = false } = args;
  const { length } = args.targets;
  const scores = emptyScores(length);
  const parts: Tensor[] = [];
  const ofAll = needsAll && length > chunkSize(args) ? gradient(0, scoreTokens(args)) : null;
  const coefficientsOf = (start: number, end: number) =>
    ofAll?.subarray(start, end) ??
    gradient(start, {
      logprobs: scores.logprobs.subarray(start, end),
      entropies: scores.entropies.subarray(start, end),
    });
  eachChunk(args, ({ start, normed, saved, targets }) => {
    const dLoss = scoreChunk({ ...args, normed, targets, start, scores });
    const coefficients = coefficientsOf(start, start + targets.length);
    // d(−log p)/d(logits / T) is `dLoss`; the sign and the temperature go into the coefficients.
    const factors = upload(
      coefficients.map((c) => -c / temperature),
      [targets.length, 1],
    );
    const dLogits = mul(dLoss, factors);
    const dy = inComputeType(parameters, dLogits);
    const dNormed = linearBackward({ parameters, layer: headLayer(tied), x: normed, dy });
    const dHidden = normBackward({ parameters, layer: LAST_NORM, saved, dys: [dNormed] }).dx;
    parts.push(dHidden);
    return dHidden;
  });
  return { scores, dHidden: concat(parts, 0) };
}

const emptyScores = (count: number): TokenScores => ({
  logprobs: new Float32Array(count),
  entropies: new Float32Array(count),
});

const chunkSize = ({ config }: Head): number => Math.max(1, Math.floor(CHUNK_BYTES / (4 * config.vocabSize)));

interface Chunk {
  start: number;
  normed: Tensor;
  saved: NormSaved;
  targets: Int32Array;
}

function eachChunk(args: ScoreArgs, body: (chunk: Chunk) => unknown): void {
  const { hidden, targets } = args;
  const size = chunkSize(args);
  for (let start = 0; start < targets.length; start += size) {
    const count = Math.min(size, targets.length - start);
    scope(() => {
      const { y: normed, saved } = finalNorm({ ...args, hidden: rows(hidden, start, count) });
      return body({ start, normed, saved, targets: targets.slice(start, start + count) });
    });
  }
}

/** Writes the chunk's scores and returns p − onehot `[m, vocabulary]`. */
function scoreChunk(args: {
  parameters: Parameters;
  tied: boolean;
  temperature: number;
  normed: Tensor;
  targets: Int32Array;
  start: number;
  scores: TokenScores;
}): Tensor {
  const { temperature, normed, targets, start, scores } = args;
  const z = scale(headProduct(args, normed), 1 / temperature);
  const { loss, gradient } = crossEntropy(z, indices(targets));
  // H = logsumexp(z) − Σ p z = −log p(target) − Σ (p − onehot) z
  const correction = downloadFloats(reshape(sumLast(mul(gradient, z)), [targets.length]));
  for (const [i, nll] of downloadFloats(loss).entries()) {
    scores.logprobs[start + i] = -nll;
    scores.entropies[start + i] = nll - correction[i]!;
  }
  return gradient;
}
