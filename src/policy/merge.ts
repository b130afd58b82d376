import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { modelFolder } from '../model-folder/model-folder.js';
import { toFloat32, writeSafetensors } from '../model-folder/safetensors.js';
import { UsageError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';
import { putInPlace } from '../system/put-in-place.js';
import { checkpointName, weightShapes } from './families/named.js';
import { openModel } from './open-model.js';
import { copyModelFiles } from './save.js';

/**
 * Writes a model folder with an adapter in its weights, one tensor at a time; each keeps the type that it was stored in
 * (float16 becomes float32). The folder appears whole or not at all.
 *
 * @throws UsageError `OUTPUT_EXISTS`; ModelError for a model or an adapter that is damaged or does not fit
 */
export async function mergeAdapter(args: { model: string; adapter: string; output: string }): Promise<void> {
  const { adapter, output } = args;
  const folder = await modelFolder(args.model);
  if (await fileExists(output)) {
    throw new UsageError({ code: 'OUTPUT_EXISTS', message: `${output} is there already; name a new folder` });
  }
  const { config, weights } = await openModel({ folder, adapter });
  const beside = `${path.resolve(output)}.${process.pid}.unfinished`;
  const make = async () => {
    await mkdir(beside, { recursive: true });
    const tensors = [...weightShapes(config)].map(([name, shape]) => ({
      name: checkpointName(config, name),
      shape,
      dtype: weights.dtype(name) === 'BF16' ? ('BF16' as const) : ('F32' as const),
      read: async () => toFloat32(await weights.read(name)),
    }));
    await writeSafetensors({ file: path.join(beside, 'model.safetensors'), tensors });
    await copyModelFiles({ from: folder, folder: beside });
    if (!config.tieWordEmbeddings) await untie(path.join(beside, 'config.json'));
  };
  try {
    await putInPlace({ place: output, beside, make });
  } finally {
    await weights.close();
  }
}

/** A `config.json` that ties the output layer to the embedding says that it does not, wherever it said so. */
async function untie(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const config = JSON.parse(text, (key, value) => (key === 'tie_word_embeddings' ? false : value));
  if (JSON.stringify(config) !== JSON.stringify(JSON.parse(text)))
    await writeFile(file, `${JSON.stringify(config, null, 2)}\n`);
}
