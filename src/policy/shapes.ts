import type { ModelConfig, TextConfig } from '../model-folder/model-config.js';

/** Weights with their shapes, by name. */
export type ShapeEntries = [string, number[]][];

/** A linear layer with a bias. */
export const linearShapes = (layer: string, out: number, width: number): ShapeEntries => [
  [`${layer}.weight`, [out, width]],
  [`${layer}.bias`, [out]],
];

/** The weights of the decoder and of the output layer, in the order of the forward. */
export const decoderShapes = ({
  text,
  tieWordEmbeddings,
}: Pick<ModelConfig, 'text' | 'tieWordEmbeddings'>): ShapeEntries => [
  ['model.embed_tokens.weight', [text.vocabSize, text.hiddenSize]],
  ...Array.from({ length: text.numLayers }, (_, i) => layerShapes(text, `model.layers.${i}`)).flat(),
  ['model.norm.weight', [text.hiddenSize]],
  ...(tieWordEmbeddings ? [] : ([['lm_head.weight', [text.vocabSize, text.hiddenSize]]] satisfies ShapeEntries)),
];

export const isVision = (name: string): boolean => name.startsWith('visual.');

function layerShapes(config: TextConfig, layer: string): ShapeEntries {
  const { hiddenSize, intermediateSize, numHeads, numKeyValueHeads, headDim, attentionBias, qkNorm } = config;
  const q = numHeads * headDim;
  const kv = numKeyValueHeads * headDim;
  const projection = (name: string, width: number): ShapeEntries => [
    [`${layer}.self_attn.${name}_proj.weight`, [width, hiddenSize]],
    ...(attentionBias ? ([[`${layer}.self_attn.${name}_proj.bias`, [width]]] satisfies ShapeEntries) : []),
  ];
  const headNorm = (name: string): ShapeEntries =>
    qkNorm ? [[`${layer}.self_attn.${name}_norm.weight`, [headDim]]] : [];
  return [
    [`${layer}.input_layernorm.weight`, [hiddenSize]],
    ...projection('q', q),
    ...projection('k', kv),
    ...projection('v', kv),
    ...headNorm('q'),
    ...headNorm('k'),
    [`${layer}.self_attn.o_proj.weight`, [hiddenSize, q]],
    [`${layer}.post_attention_layernorm.weight`, [hiddenSize]],
    [`${layer}.mlp.gate_proj.weight`, [intermediateSize, hiddenSize]],
    [`${layer}.mlp.up_proj.weight`, [intermediateSize, hiddenSize]],
    [`${layer}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]],
  ];
}

/** A weight as it is multiplied with: the patch embedding's convolution is a matrix over flattened patches. */
export const deviceShape = (shape: readonly number[]): number[] =>
  shape.length <= 2 ? [...shape] : [shape[0]!, shape.slice(1).reduce((product, d) => product * d, 1)];
