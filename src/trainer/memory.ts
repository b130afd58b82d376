import type { Config } from '../config/schema.js';
import type { ModelConfig } from '../model-folder/model-config.js';
import { weightShapes } from '../policy/families/named.js';
import { formatBytes } from '../system/bytes.js';
import { RunError } from '../system/errors.js';
import { memoryLimit } from '../system/memory-limit.js';
import { adapterPlan, needsReference, trainsWeight } from './models.js';

/** Numbers of a run's weights. */
export interface WeightCounts {
  /** Of the model, as stored. */
  model: number;
  /** Those of the model that are trained in its place, and those of adapters, with what is trained whole beside them. */
  own: number;
  adapters: number;
}

export function countWeights(config: Config, model: ModelConfig): WeightCounts {
  const plan = adapterPlan(config.model, model);
  const trains = trainsWeight({ ...config.model, hasAdapter: plan !== undefined });
  const shapes = weightShapes(model);
  const sum = (list: Iterable<readonly number[]>) =>
    [...list].reduce((total, shape) => total + shape.reduce((n, d) => n * d, 1), 0);
  const factors = [...(plan?.layers.values() ?? [])].flatMap(({ a, b }) => [a, b]);
  return {
    model: sum(shapes.values()),
    own: sum([...shapes].filter(([name]) => trains(name)).map(([, shape]) => shape)),
    adapters: sum([...factors, ...(plan?.whole.values() ?? [])]),
  };
}

/** Bytes of what a run keeps of its weights, by what they are for. */
export function weightMemory(args: {
  config: Config;
  weights: WeightCounts;
  type: 'float32' | 'bfloat16';
}): Record<'frozen weights' | 'trained weights' | 'reference weights' | 'gradients and optimizer', number> {
  const { config, weights, type } = args;
  const frozenBytes = type === 'bfloat16' ? 2 : 4;
  const trained = weights.own + weights.adapters;
  const hasOwnReference = needsReference(config) && !config.model.lora;
  return {
    'frozen weights': (weights.model - weights.own) * frozenBytes,
    'trained weights': trained * (type === 'bfloat16' ? 6 : 4),
    'reference weights': hasOwnReference ? weights.model * frozenBytes : 0,
    'gradients and optimizer': trained * 12,
  };
}

/**
 * Refuses a run that cannot fit into the memory, before anything large is made: its weights, the frames of the prompts of
 * a step at their smallest, and a token of each completion are more than there is. What lies on a GPU does not count.
 *
 * @param limit bytes
 * @throws RunError `MEMORY_TOO_SMALL`, naming the largest part and what makes it smaller
 */
export function checkMemory(args: {
  config: Config;
  model: ModelConfig;
  type: 'float32' | 'bfloat16';
  usesGpu: boolean;
  limit?: number;
}): void {
  const { config, model, type, usesGpu, limit = memoryLimit() } = args;
  const { training, rollout, data } = config;
  const weights = countWeights(config, model);
  const kept = Object.values(weightMemory({ config, weights, type })).reduce((sum, bytes) => sum + bytes, 0);
  const { numLayers, numKeyValueHeads, headDim, vocabSize } = model.text;
  const prompts = training.prompts_per_step;
  const completions = config.method === 'grpo' ? prompts * rollout.num_generations : prompts;
  const adapters = weights.adapters * (type === 'bfloat16' ? 18 : 16);
  const onDevice = [
    { bytes: kept - adapters, what: 'the weights', remedy: 'take a smaller model, or an adapter (model.lora)' },
    { bytes: adapters, what: `adapters of rank ${config.model.lora?.r}`, remedy: 'lower model.lora.r' },
    {
      bytes: completions * 4 * (vocabSize + 2 * numLayers * numKeyValueHeads * headDim),
      what: `the logits and keys of ${completions} completions for a single token`,
      remedy: 'lower rollout.num_generations or training.prompts_per_step',
    },
  ];
  const parts = [
    ...(usesGpu ? [] : onDevice),
    {
      // Two frames make one slice of patches in float32; those of the next step are made ahead.
      bytes: 2 * prompts * 2 * data.video.min_pixels * 3 * 4,
      what: `${2 * prompts} videos of ${data.video.min_pixels} pixels a frame or more`,
      remedy: 'lower data.video.min_pixels or training.prompts_per_step',
    },
  ];
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= limit) return;
  const largest = parts.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const message = `the run needs at least ${formatBytes(total)} of memory, and there are ${formatBytes(limit)}; most of it is for ${largest.what} (${formatBytes(largest.bytes)}): ${largest.remedy}`;
  throw new RunError({ code: 'MEMORY_TOO_SMALL', message });
}
