import type { z } from 'zod';
import type { ModelConfig } from '../../model-folder/model-config.js';
import type { FamilyPrompt } from '../../prompt/family-prompt.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Parameters } from '../parameters.js';
import type { TowerInput } from '../vision/patches.js';

/**
 * A family of models: what differs between them, the decoder being shared. A new one is a folder beside the others and a
 * line in `index.ts`.
 */
export interface Family<Config extends ModelConfig = ModelConfig> {
  /** `model_type` of its `config.json`. */
  readonly modelType: string;
  /** Reads `config.json`. */
  readonly schema: z.ZodType<Config>;
  /** Every weight with its shape, in the published checkpoints' names and the order of the forward. */
  weightShapes(config: Config): Map<string, number[]>;
  /** The name of a weight in a checkpoint as Hugging Face's `save_pretrained` writes it. */
  checkpointName(name: string): string;
  openTower(args: { config: Config; parameters: Parameters }): Tower;
  readonly prompt: FamilyPrompt<Config>;
}

/** What a vision tower makes of videos and pictures, one after the other; float32. */
export interface VisionTokens {
  /** What stands in the places of their tokens. `[n, hidden]` */
  tokens: Tensor;
  /** What is added to them after decoder layer i, for the first layers (deepstack). `[n, hidden]` each */
  deep: Tensor[];
}

/** The vision tower: patches → tokens of the decoder. */
export interface Tower<Saved = unknown> {
  /** @returns `saved`, which the backward needs, with `keepsSaved` alone; null without */
  forward(visuals: TowerInput[], keepsSaved: boolean): { out: VisionTokens; saved: Saved | null };
  /** Adds the gradients of the tower's weights; frees what the forward kept. @param d the gradient of `out` */
  backward(saved: Saved, d: VisionTokens): void;
}
