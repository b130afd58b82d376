import type { ModelConfig } from '../model-folder/model-config.js';
import { cast, concat, gather, indices, segmentSum } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Layout } from './layout.js';
import type { Parameters } from './parameters.js';

const EMBEDDING = 'model.embed_tokens.weight';

/** Which rows of a token set are text and which a picture's or a video's. */
export interface RowKinds {
  /** Rows that are `<|video_pad|>` or `<|image_pad|>`, in the order of the vision tower's output. */
  vision: Int32Array;
  text: Int32Array;
}

/** A completion may draw `<|video_pad|>` by chance: it is a plain token there, as is a prompt's padding. */
export function rowKinds({
  layout,
  config: { imageTokenId, videoTokenId },
}: {
  layout: Layout;
  config: Pick<ModelConfig, 'imageTokenId' | 'videoTokenId'>;
}): RowKinds {
  const { B, P, promptLengths, tokenIds } = layout;
  const isVision = (row: number) =>
    row < B * P &&
    row % P < promptLengths[Math.floor(row / P)]! &&
    (tokenIds[row] === videoTokenId || tokenIds[row] === imageTokenId);
  const all = Int32Array.from(tokenIds.keys());
  return { vision: all.filter(isVision), text: all.filter((row) => !isVision(row)) };
}

/** `[n]` token ids → `[n, hidden]` float32 */
export const embedTokens = (parameters: Parameters, tokenIds: Int32Array): Tensor =>
  cast(gather(parameters.get(EMBEDDING), indices(tokenIds)), 'float32');

/**
 * Token embeddings, with the vision tower's output in the places of its tokens.
 *
 * @param vision `[vision rows, hidden]`, or null where there is nothing to see
 * @returns `[N, hidden]` float32
 */
export function embed(args: {
  parameters: Parameters;
  tokenIds: Int32Array;
  kinds: RowKinds;
  vision: Tensor | null;
}): Tensor {
  const { parameters, tokenIds, kinds, vision } = args;
  const text = embedTokens(parameters, tokenIds);
  if (vision === null) return text;
  const source = Int32Array.from(tokenIds.keys());
  for (const [i, row] of kinds.vision.entries()) source[row] = tokenIds.length + i;
  return gather(concat([text, vision], 0), indices(source));
}

/** Adds the gradient of the embedding where it is trained. @param dx `[N, hidden]` */
export function embedBackward(args: {
  parameters: Parameters;
  tokenIds: Int32Array;
  kinds: RowKinds;
  vocabSize: number;
  dx: Tensor;
}): void {
  const { parameters, tokenIds, kinds, vocabSize, dx } = args;
  if (!parameters.isTrainable(EMBEDDING)) return;
  const ids = kinds.text.map((row) => tokenIds[row]!);
  parameters.accumulate(EMBEDDING, segmentSum(gather(dx, indices(kinds.text)), indices(ids), vocabSize));
}

/** The gradient of the vision tower's output. */
export const visionGradient = (dx: Tensor, kinds: RowKinds): Tensor => gather(dx, indices(kinds.vision));
