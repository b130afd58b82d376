import { textKey, uniform } from '../system/random.js';
import { upload } from '../tensor/ops.js';
import { scope } from '../tensor/tensor.js';
import type { AdapterPlan } from './adapter/plan.js';
import { adapterNames, type Parameters } from './parameters.js';
import { deviceShape } from './shapes.js';

/** Values of one factor, or of a weight that is trained whole, row by row. */
export type FactorValues = (name: string, shape: readonly number[]) => Float32Array;

/** Puts trainable adapters on a model, and lets the weights that a plan names be trained beside their frozen selves. */
export function addAdapters(args: { parameters: Parameters; plan: AdapterPlan; values: FactorValues }): void {
  const { parameters, plan, values } = args;
  const add = (name: string, shape: readonly number[]) =>
    scope(() => parameters.addTrainable(name, upload(values(name, shape), deviceShape(shape))));
  for (const [layer, { a, b, scale }] of plan.layers) {
    const names = adapterNames(layer);
    add(names.a, a);
    add(names.b, b);
    parameters.useAdapter(layer, scale);
  }
  for (const [name, shape] of plan.whole) add(name, shape);
}

/** peft's start: A uniform in ±1/√in (Kaiming with a = √5), B zero, so that the policy starts as the reference. */
export const initialFactors =
  (seed: number): FactorValues =>
  (name, [rows, ...columns]) => {
    const width = columns.reduce((product, size) => product * size, 1);
    const values = new Float32Array(rows! * width);
    if (name === adapterNames(name.replace(/\.lora_[AB]\.weight$/, '')).b) return values;
    const key = textKey(name);
    const bound = 1 / Math.sqrt(width);
    return values.map((_, i) => bound * (2 * uniform(seed, key, i) - 1));
  };
