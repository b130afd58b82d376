import type { ModelConfig } from '../model-folder/model-config.js';
import { textKey, uniform } from '../system/random.js';
import { upload } from '../tensor/ops.js';
import { scope } from '../tensor/tensor.js';
import { weightShapes } from './families/named.js';
import { adapterNames, type Parameters } from './parameters.js';

/** A low-rank adapter, in the words of peft's `LoraConfig`. */
export interface LoraSettings {
  r: number;
  lora_alpha: number;
  /** Names of linear layers of the decoder, such as `q_proj`. */
  target_modules: readonly string[];
}

/** The adapted linear layers with the shapes of their factors. */
export function adaptedLayers(
  config: ModelConfig,
  { r, target_modules }: LoraSettings,
): { layer: string; a: [number, number]; b: [number, number] }[] {
  return [...weightShapes(config)]
    .filter(([name]) => name.startsWith('model.layers.') && target_modules.includes(name.split('.').at(-2)!))
    .filter(([name]) => name.endsWith('.weight'))
    .map(([name, [out, width]]) => ({ layer: name.slice(0, -'.weight'.length), a: [r, width!], b: [out!, r] }));
}

/** Values of one factor, row by row. */
export type FactorValues = (name: string, shape: readonly [number, number]) => Float32Array;

/** Puts trainable adapters on the decoder. */
export function addAdapters(args: {
  parameters: Parameters;
  config: ModelConfig;
  lora: LoraSettings;
  values: FactorValues;
}): void {
  const { parameters, config, lora, values } = args;
  parameters.adapterScale = lora.lora_alpha / lora.r;
  for (const { layer, a, b } of adaptedLayers(config, lora)) {
    const names = adapterNames(layer);
    scope(() => {
      parameters.addTrainable(names.a, upload(values(names.a, a), a));
      parameters.addTrainable(names.b, upload(values(names.b, b), b));
    });
  }
}

/** peft's start: A uniform in ±1/√in (Kaiming with a = √5), B zero, so that the policy starts as the reference. */
export const initialFactors =
  (seed: number): FactorValues =>
  (name, [rows, columns]) => {
    const values = new Float32Array(rows * columns);
    if (name === adapterNames(name.replace(/\.lora_[AB]\.weight$/, '')).b) return values;
    const key = textKey(name);
    const bound = 1 / Math.sqrt(columns);
    return values.map((_, i) => bound * (2 * uniform(seed, key, i) - 1));
  };
