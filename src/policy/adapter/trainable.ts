import type { ModelConfig } from '../../model-folder/model-config.js';
import { adaptedLayers, type FactorValues, type LoraSettings } from '../lora.js';
import { adapterNames } from '../parameters.js';
import { type AdapterFile, openAdapter } from './adapter-file.js';

/** An adapter that can be trained further: its settings and the values of its factors. */
export interface TrainableAdapter {
  lora: LoraSettings;
  values: FactorValues;
}

/**
 * Reads an adapter that is no more than what is trained here: factors on linear layers of the decoder, the same ones in
 * every block, of one rank and one scale.
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
    const lora = settingsOf({ adapter, model: args.model });
    return typeof lora === 'string' ? { beyond: lora } : { lora, values: await storedFactors(adapter) };
  } finally {
    await adapter.close();
  }
}

function settingsOf({ adapter, model }: { adapter: AdapterFile; model: ModelConfig }): LoraSettings | string {
  const { changes, config } = adapter;
  const { r, lora_alpha } = config;
  for (const [weight, { whole, magnitude, factors }] of changes) {
    if (!/^model\.layers\.\d+\.\w+\.\w+_proj\.weight$/.test(weight)) return `it changes ${weight}`;
    if (whole !== undefined) return `it holds ${weight} whole`;
    if (magnitude !== undefined) return 'it has use_dora';
    if (factors?.r !== r) return `rank_pattern gives ${weight} another rank`;
    if (factors.scale !== lora_alpha / r) return `use_rslora or alpha_pattern gives ${weight} another scale`;
  }
  const target_modules = [...new Set([...changes.keys()].map((weight) => weight.split('.').at(-2)!))];
  const lora = { r, lora_alpha, target_modules };
  const bare = adaptedLayers(model, lora).find(({ layer }) => !changes.has(`${layer}.weight`));
  return bare === undefined ? lora : `it leaves out ${bare.layer}, which it has in other blocks`;
}

async function storedFactors({ changes, read }: AdapterFile): Promise<FactorValues> {
  const values = new Map<string, Float32Array>();
  for (const [weight, { factors }] of changes) {
    const names = adapterNames(weight.slice(0, -'.weight'.length));
    values.set(names.a, await read(factors!.a));
    values.set(names.b, await read(factors!.b));
  }
  return (name) => values.get(name)!;
}
