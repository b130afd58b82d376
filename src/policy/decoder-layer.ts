import { add, cast, scale } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { attention, attentionBackward, type KeyValue, type Projected } from './attention.js';
import type { TextConfig } from './files/model-config.js';
import type { Geometry } from './geometry.js';
import { linear, linearBackward } from './linear.js';
import { type GatedMlpSaved, gatedMlp, gatedMlpBackward } from './mlp.js';
import { type NormSaved, rmsNorm, rmsNormBackward } from './norm.js';
import type { Parameters } from './parameters.js';
import { type Rotary, rotate, rotateBackward } from './rope.js';

/** x + attention(norm(x)), then x + mlp(norm(x)): a decoder layer of Qwen2. */
export interface LayerInput {
  parameters: Parameters;
  config: TextConfig;
  index: number;
  /** `[N, hidden]` float32 */
  x: Tensor;
}

/** What the backward of a layer needs; where memory is short it is dropped and `forward` runs again. */
export interface LayerSaved {
  inputNorm: NormSaved;
  /** Normalised input in the compute type `[N, hidden]`. */
  normed: Tensor;
  projected: Projected;
  attended: Tensor;
  mlpNorm: NormSaved;
  mlpNormed: Tensor;
  mlp: GatedMlpSaved;
}

export function layerForward(args: LayerInput & { geometry: Geometry }): {
  y: Tensor;
  prompt: KeyValue;
  saved: LayerSaved;
} {
  const { parameters, config, index, x, geometry } = args;
  return scope(() => {
    const { normed, saved: inputNorm } = normedInput(args);
    const projected = project({ parameters, config, index, normed, rotary: geometry.rotary });
    const { y: attended, prompt } = attention(projected, geometry, parameters.type);
    const { y, saved } = finishLayer({ parameters, config, index, x, attended });
    return { y, prompt, saved: { inputNorm, normed, projected, attended, ...saved } };
  });
}

/** The first norm, in the compute type. */
export function normedInput({ parameters, config, index, x }: LayerInput): { normed: Tensor; saved: NormSaved } {
  const layer = `model.layers.${index}.input_layernorm`;
  const { y, saved } = rmsNorm({ parameters, layer, x, epsilon: config.rmsNormEps });
  return { normed: cast(y, parameters.type), saved };
}

/** Queries, keys and values of normalised rows. */
export function project(args: {
  parameters: Parameters;
  config: TextConfig;
  index: number;
  normed: Tensor;
  rotary: Rotary;
}): Projected {
  const { parameters, config, index, normed, rotary } = args;
  const part = (name: string) => linear({ parameters, layer: `model.layers.${index}.self_attn.${name}`, x: normed });
  return {
    q: scale(rotate(part('q_proj'), rotary), config.headDim ** -0.5),
    k: rotate(part('k_proj'), rotary),
    v: part('v_proj'),
  };
}

/** From the attention's output to the layer's. */
export function finishLayer(args: LayerInput & { attended: Tensor }): {
  y: Tensor;
  saved: Pick<LayerSaved, 'mlpNorm' | 'mlpNormed' | 'mlp'>;
} {
  const { parameters, config, index, x, attended } = args;
  const name = `model.layers.${index}`;
  const middle = add(x, linear({ parameters, layer: `${name}.self_attn.o_proj`, x: attended }));
  const { y, saved: mlpNorm } = rmsNorm({
    parameters,
    layer: `${name}.post_attention_layernorm`,
    x: middle,
    epsilon: config.rmsNormEps,
  });
  const mlpNormed = cast(y, parameters.type);
  const { y: update, saved: mlp } = gatedMlp({ parameters, layer: `${name}.mlp`, x: mlpNormed });
  return { y: add(middle, update), saved: { mlpNorm, mlpNormed, mlp } };
}

/** Adds the gradients of the layer's weights and returns that of its input. */
export function layerBackward(args: {
  parameters: Parameters;
  config: TextConfig;
  index: number;
  saved: LayerSaved;
  dy: Tensor;
  geometry: Geometry;
}): Tensor {
  const { parameters, config, index, saved, dy, geometry } = args;
  const name = `model.layers.${index}`;
  return scope(() => {
    const dMlp = gatedMlpBackward({ parameters, layer: `${name}.mlp`, x: saved.mlpNormed, saved: saved.mlp, dy });
    const dMiddle = add(
      dy,
      rmsNormBackward({ parameters, layer: `${name}.post_attention_layernorm`, saved: saved.mlpNorm, dy: dMlp }),
    );
    const back = (part: string, x: Tensor, d: Tensor) =>
      linearBackward({ parameters, layer: `${name}.self_attn.${part}`, x, dy: d });
    const d = attentionBackward({
      projected: saved.projected,
      y: saved.attended,
      dy: back('o_proj', saved.attended, dMiddle),
      geometry,
      type: parameters.type,
    });
    const dq = rotateBackward(scale(d.q, config.headDim ** -0.5), geometry.rotary);
    const dk = rotateBackward(d.k, geometry.rotary);
    const dNormed = add(
      add(back('q_proj', saved.normed, dq), back('k_proj', saved.normed, dk)),
      back('v_proj', saved.normed, d.v),
    );
    return add(
      dMiddle,
      rmsNormBackward({ parameters, layer: `${name}.input_layernorm`, saved: saved.inputNorm, dy: dNormed }),
    );
  });
}
