import type { Config } from '../config/schema.js';
import type { ModelConfig } from '../model-folder/model-config.js';
import { decoderForward, decoderWeights, towerForward } from '../policy/flops.js';
import type { Prompt } from '../prompt/prompt.js';
import { cast, downloadFloats, products, sumLast, upload } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { needsReference } from './models.js';

type Dtype = 'float32' | 'bfloat16';

/** What the device can do with matrices of a model's own shapes. */
interface Rates {
  /** Floating-point operations a second, of many rows. */
  multiply: number;
  /** Bytes of weights a second, as tokens are decoded. */
  read: number;
}

/** Of the time of a step; norms, softmax and the like, which are not counted, take the rest. */
const IN_PRODUCTS = 0.75;

/** Weights are measured in so many copies: else they would be read from a cache. */
const COPIES = 4;
const ROWS = 512;

/**
 * About how long a step takes: the matrix products that it has to make over the rate at which this device makes products
 * of such shapes, and for each token decoded in turn a read of all weights. The first step takes longer, and rewards that
 * ask others are not in it. Seconds.
 *
 * @param prompts some of the run's
 */
export function estimateStepTime(args: {
  config: Config;
  model: ModelConfig;
  type: Dtype;
  prompts: readonly Prompt[];
  completionTokens: number;
}): number {
  const { config, model, type, prompts, completionTokens: C } = args;
  const { text } = model;
  const { prompts_per_step } = config.training;
  const { multiply, read } = measureRates({ model, type, rows: prompts_per_step * config.rollout.num_generations });
  const trainsAll = config.model.lora === undefined;
  const backward = trainsAll ? 2 : 1;
  const trainsVision = trainsAll && !config.model.freeze_vision;
  const perPrompt = prompts.map(({ tokenIds: { length: P }, visuals }) => {
    const tower = visuals.reduce((sum, { grid }) => sum + towerForward(model, grid), 0);
    if (config.method === 'sft') {
      const decoder = decoderForward(text, { P, G: 1, C });
      return (1 + backward) * decoder + (trainsVision ? 3 : 1) * tower;
    }
    const G = config.rollout.num_generations;
    const prefix = decoderForward(text, { P, G: 0, C });
    const whole = decoderForward(text, { P, G, C });
    const references = needsReference(config) ? 1 : 0;
    // Rollout encodes the prompt, the reference sees all, the policy goes on from the prompt and then back through all.
    const decoder = prefix + references * whole + config.grpo.num_iterations * (whole - prefix + backward * whole);
    return decoder + (trainsVision ? 3 + references : 1) * tower;
  });
  const mean = perPrompt.reduce((sum, work) => sum + work, 0) / perPrompt.length;
  const updating = (prompts_per_step * mean) / (IN_PRODUCTS * multiply);
  const bytes = (decoderWeights(text) + text.vocabSize * text.hiddenSize) * (type === 'bfloat16' ? 2 : 4);
  // All completions of a step are decoded together: each weight is read once a token.
  const decoding = config.method === 'sft' ? 0 : C * (bytes / read);
  return updating + decoding;
}

function measureRates({ model, type, rows }: { model: ModelConfig; type: Dtype; rows: number }): Rates {
  const { hiddenSize: H, intermediateSize: I } = model.text;
  return scope(() => {
    const weights = Array.from({ length: COPIES }, () => numbers([I, H], type));
    const many = numbers([ROWS, H], type);
    const few = numbers([Math.min(rows, ROWS), H], type);
    const time = (x: Tensor) => best(() => weights.map((w) => products(x, [w])[0]!)) / COPIES;
    return { multiply: (2 * ROWS * H * I) / time(many), read: (I * H * (type === 'bfloat16' ? 2 : 4)) / time(few) };
  });
}

/** Seconds of the best of several. */
function best(body: () => Tensor[]): number {
  let seconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 4; i++) {
    const start = performance.now();
    // What is read back has been computed.
    scope(() => body().map((made) => downloadFloats(sumLast(cast(made, 'float32')))));
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return seconds;
}

function numbers(shape: [number, number], type: Dtype): Tensor {
  const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5);
  return cast(upload(values, shape), type);
}
