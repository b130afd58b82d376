import type { ModelConfig } from '../src/model-folder/model-config.js';
import { decoderForward, towerForward } from '../src/policy/flops.js';
import type { Setting } from './contenders.js';
import { videoSize } from './prompt.js';

/**
 * Floating-point operations in the matrix products of a GRPO step that computes prompt and video once: rollout and
 * reference a forward each, policy a forward and a backward of twice that; with adapters, a backward of once that, and
 * the frozen tower once. It is the work that has to be done, so that the same number over each contender's seconds is
 * what its machine time was worth.
 */
export function stepFlops(args: { config: ModelConfig; setting: Setting; trainsAll: boolean }): number {
  const { config, setting, trainsAll } = args;
  const { prompt: P, generations: G, completion: C } = setting;
  const decoder = decoderForward(config.text, { P, G, C });
  const tower = towerForward(config, videoSize(P).grid);
  return trainsAll ? 5 * (decoder + tower) : 4 * decoder + tower;
}
