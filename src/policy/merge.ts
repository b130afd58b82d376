import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ModelError, UsageError } from '../errors.js';
import { fileExists } from '../file-exists.js';
import { readAdapter, storedFactors } from './files/adapter.js';
import { readModelConfig } from './files/model-config.js';
import { modelFolder } from './files/model-folder.js';
import { toFloat32, writeSafetensors } from './files/safetensors.js';
import { adaptedLayers } from './lora.js';
import { openModelWeights } from './model-weights.js';
import { adapterNames } from './parameters.js';
import { copyModelFiles } from './save.js';
import { weightShapes } from './shapes.js';

/**
 * Writes a model folder whose weights are W + lora_alpha / r · B A, one tensor at a time; each keeps the type that it
 * was stored in (float16 becomes float32). The folder appears whole or not at all.
 *
 * @throws UsageError `OUTPUT_EXISTS`; ModelError for a model or an adapter that is damaged or does not fit
 */
export async function mergeAdapter(args: { model: string; adapter: string; output: string }): Promise<void> {
  const { adapter: folder, output } = args;
  const model = await modelFolder(args.model);
  if (await fileExists(output)) {
    throw new UsageError({ code: 'OUTPUT_EXISTS', message: `${output} is there already; name a new folder` });
  }
  const config = await readModelConfig(model);
  const adapter = await readAdapter(folder);
  const factor = storedFactors({ adapter, folder });
  const layers = new Map(adaptedLayers(config, adapter.lora).map((entry) => [`${entry.layer}.weight`, entry]));
  if (layers.size === 0) {
    const message = `${folder}: none of target_modules [${adapter.lora.target_modules.join(', ')}] is a layer of ${model}`;
    throw new ModelError({ code: 'ADAPTER_MISMATCH', message });
  }
  const scale = adapter.lora.lora_alpha / adapter.lora.r;
  const weights = await openModelWeights({ folder: model, config });
  const beside = `${path.resolve(output)}.${process.pid}.unfinished`;
  try {
    await mkdir(beside, { recursive: true });
    const shapes = [...weightShapes(config)];
    const tensors = shapes.map(([name, shape]) => ({
      name,
      shape,
      dtype: weights.dtype(name) === 'BF16' ? ('BF16' as const) : ('F32' as const),
      read: async () => {
        const values = toFloat32(await weights.read(name));
        const layer = layers.get(name);
        if (layer === undefined) return values;
        const names = adapterNames(layer.layer);
        const [a, b] = [factor(names.a, layer.a), factor(names.b, layer.b)];
        return addProduct({ values, a, b, r: adapter.lora.r, scale });
      },
    }));
    await writeSafetensors({ file: path.join(beside, 'model.safetensors'), tensors });
    await copyModelFiles({ from: model, folder: beside });
    await rename(beside, output);
  } finally {
    await weights.close();
    await rm(beside, { recursive: true, force: true });
  }
}

/** `values` `[out, in]` + scale · b `[out, r]` · a `[r, in]` */
function addProduct(args: { values: Float32Array; a: Float32Array; b: Float32Array; r: number; scale: number }) {
  const { values, a, b, r, scale } = args;
  const width = a.length / r;
  const out = values.slice();
  for (let row = 0; row < b.length / r; row++)
    for (let k = 0; k < r; k++) {
      const factor = scale * b[row * r + k]!;
      for (let column = 0; column < width; column++) out[row * width + column]! += factor * a[k * width + column]!;
    }
  return out;
}
