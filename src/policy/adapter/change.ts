import type { AdapterConfig } from './config.js';
import type { ModuleStyle } from './names.js';
import type { TensorStock } from './tensor-stock.js';

/** The two factors of W + scale · B A, by their tensors' names in the file. */
export interface Factors {
  a: string;
  b: string;
  r: number;
  /** lora_alpha / r, or lora_alpha / √r */
  scale: number;
  /** An embedding's are the other way about: W + scale · Aᵀ Bᵀ. */
  isEmbedding: boolean;
}

/** What an adapter does to one weight or bias, in this order. Strings are tensors' names in the file. */
export interface Change {
  /** Takes the place of the model's own. */
  whole?: string;
  /** `whole` is this layer's alone: one that shares the weight keeps the model's. */
  isCopy?: boolean;
  /** Take the places of the rows at `indices`. */
  rows?: { tensor: string; indices: readonly number[] };
  factors?: Factors;
  /** DoRA: the length of each row; of each column in an embedding. */
  magnitude?: string;
  addend?: { tensor: string; scale: number };
}

/** By the name of the weight in a checkpoint, such as `model.layers.0.mlp.up_proj.weight`. */
export type Changes = Map<string, Change>;

/** What changes are made of. */
export interface Adapted {
  folder: string;
  config: AdapterConfig;
  stock: TensorStock;
  style: ModuleStyle;
  /** Of every weight, `lm_head.weight` with them. */
  shapes: ReadonlyMap<string, readonly number[]>;
  isTied: boolean;
}

export const EMBEDDING = 'model.embed_tokens';
/** Tables of rows, whose factors peft has the other way about. */
export const isEmbedding = (layer: string): boolean => layer === EMBEDDING || layer === 'visual.pos_embed';
export const HEAD = 'lm_head';
