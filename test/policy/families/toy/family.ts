import type { Family, Tower } from '../../../../src/policy/families/family.js';
import type { Qwen2VLConfig } from '../../../../src/policy/families/qwen2_vl/config.js';
import { qwen2VL } from '../../../../src/policy/families/qwen2_vl/family.js';
import { inComputeType, linear, linearBackward } from '../../../../src/policy/linear.js';
import { add, cast } from '../../../../src/tensor/ops.js';
import { scope, type Tensor } from '../../../../src/tensor/tensor.js';

/** Layers after which the video's rows get something more. */
const DEEP = 2;

const layerOf = (index: number) => `visual.deep.${index}`;

/** Qwen2-VL with norms of queries and keys, and with features for later layers: a family of nobody but this test. */
export const toyVL: Family<Qwen2VLConfig> = {
  ...qwen2VL,
  modelType: 'toy_vl',
  schema: qwen2VL.schema.transform((config) => ({
    ...config,
    modelType: 'toy_vl',
    text: { ...config.text, qkNorm: true },
  })),
  weightShapes: (config) => {
    const { hiddenSize } = config.text;
    const deep = Array.from({ length: DEEP }, (_, i): [string, number[]] => [
      `${layerOf(i)}.weight`,
      [hiddenSize, hiddenSize],
    ]);
    return new Map([...qwen2VL.weightShapes(config), ...deep]);
  },
  openTower: ({ config, parameters }): Tower<{ inner: unknown; tokens: Tensor }> => {
    const inner = qwen2VL.openTower({ config, parameters });
    return {
      forward: (videos, keepsSaved) => {
        const { out, saved } = inner.forward(videos, keepsSaved);
        const tokens = inComputeType(parameters, out.tokens);
        const deep = Array.from({ length: DEEP }, (_, i) =>
          cast(linear({ parameters, layer: layerOf(i), x: tokens }), 'float32'),
        );
        return { out: { tokens: out.tokens, deep }, saved: saved === null ? null : { inner: saved, tokens } };
      },
      backward: (saved, d) => {
        const total = scope(() =>
          d.deep.reduce((sum, dy, i) => {
            const own = { parameters, layer: layerOf(i), x: saved.tokens, dy: inComputeType(parameters, dy) };
            return add(sum, cast(linearBackward(own), 'float32'));
          }, d.tokens),
        );
        inner.backward(saved.inner, { tokens: total, deep: [] });
      },
    };
  },
};
