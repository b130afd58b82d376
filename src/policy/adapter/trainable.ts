import type { ModelConfig } from '../../model-folder/model-config.js';
import { weightShapes } from '../families/named.js';
import type { FactorValues } from '../lora.js';
import { adapterNames } from '../parameters.js';
import { type AdapterFile, openAdapter } from './adapter-file.js';
import { HEAD, isEmbedding } from './change.js';
import type { AdapterPlan } from './plan.js';

/** An adapter that can be trained further: what it adapts, and its values. */
export interface TrainableAdapter {
  plan: AdapterPlan;
  values: FactorValues;
}

/**
 * Reads an adapter that is no more than what is trained here: factors on linear layers, of whatever ranks and scales, and
 * weights that are trained whole.
 *
 * @returns the adapter, or what it has that is not trained here
 * @throws ModelError as `openAdapter` does
 */
export async function readTrainable(args: {
  folder: string;
  model: ModelConfig;
}): Promise<TrainableAdapter | { beyond: string }> {
  const adapter = await openAdapter(args);
  try {
    const plan = planOf({ adapter, model: args.model });
    return typeof plan === 'string' ? { beyond: plan } : { plan, values: await storedValues(adapter) };
  } finally {
    await adapter.close();
  }
}

function planOf({ adapter, model }: { adapter: AdapterFile; model: ModelConfig }): AdapterPlan | string {
  const shapes = weightShapes(model);
  const plan: AdapterPlan = { layers: new Map(), whole: new Map() };
  for (const [weight, { whole, isCopy, rows, factors, magnitude, addend }] of adapter.changes) {
    const shape = shapes.get(weight);
    const layer = weight.slice(0, -'.weight'.length);
    if (shape === undefined || (layer === HEAD && factors !== undefined)) return `it changes ${weight}`;
    if (magnitude !== undefined) return 'it has use_dora';
    if (rows !== undefined) return `it has trainable_token_indices of ${weight}`;
    if (addend !== undefined) return `it adds to ${weight} (lora_bias)`;
    if (isEmbedding(layer) && factors !== undefined) return `it has factors of ${weight}, a table of rows`;
    if (whole !== undefined && isCopy !== true) return `it holds ${weight} without naming it in modules_to_save`;
    if (whole !== undefined && model.tieWordEmbeddings && layer === 'model.embed_tokens')
      return `it holds ${weight}, which is the output layer too, by itself`;
    if (whole !== undefined) plan.whole.set(weight, shape);
    if (factors === undefined) continue;
    const { r, scale } = factors;
    const [out, ...width] = shape as [number, ...number[]];
    plan.layers.set(layer, { a: [r, ...width], b: [out, r, ...width.slice(1).map(() => 1)], scale });
  }
  return plan;
}

async function storedValues({ changes, read }: AdapterFile): Promise<FactorValues> {
  const values = new Map<string, Float32Array>();
  for (const [weight, { factors, whole }] of changes) {
    if (whole !== undefined) values.set(weight, await read(whole));
    if (factors === undefined) continue;
    const names = adapterNames(weight.slice(0, -'.weight'.length));
    values.set(names.a, await read(factors.a));
    values.set(names.b, await read(factors.b));
  }
  return (name) => values.get(name)!;
}

/** The first thing in which a stored adapter is not what a config asks for; undefined where it is. */
export function planDifference(stored: AdapterPlan, asked: AdapterPlan): string | undefined {
  for (const [layer, { a, scale }] of asked.layers) {
    const found = stored.layers.get(layer);
    if (found === undefined) return `it has none on ${layer}`;
    if (found.a[0] !== a[0]) return `it has rank ${found.a[0]} on ${layer}, not ${a[0]}`;
    if (found.scale !== scale) return `it has scale ${found.scale} on ${layer}, not ${scale} (lora_alpha, use_rslora)`;
  }
  const more = [...stored.layers.keys()].find((layer) => !asked.layers.has(layer));
  if (more !== undefined) return `it has one on ${more}`;
  const names = new Set([...stored.whole.keys(), ...asked.whole.keys()]);
  const other = [...names].find((name) => stored.whole.has(name) !== asked.whole.has(name));
  if (other === undefined) return undefined;
  return stored.whole.has(other)
    ? `it holds ${other} (modules_to_save)`
    : `it does not hold ${other} (modules_to_save)`;
}
