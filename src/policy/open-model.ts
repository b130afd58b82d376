import type { ModelConfig } from '../model-folder/model-config.js';
import { toFloat32 } from '../model-folder/safetensors.js';
import type { Weights } from '../model-folder/weights.js';
import { type AdapterFile, openAdapter } from './adapter/adapter-file.js';
import { applyChange } from './adapter/apply.js';
import { EMBEDDING_WEIGHT, HEAD_WEIGHT, tiedChanges } from './adapter/tied.js';
import { readModelConfig } from './families/read-config.js';
import { openModelWeights } from './model-weights.js';

/** A model folder that is open for reading. */
export interface OpenModel {
  config: ModelConfig;
  weights: Pick<Weights, 'dtype' | 'read' | 'close'>;
}

/**
 * Opens a model folder, with an adapter added to its weights if one is named. Where the output layer is the embedding and
 * the adapter makes two of them, `config` says so.
 *
 * @throws ModelError for a model or an adapter that is damaged or does not fit
 */
export async function openModel(args: { folder: string; adapter?: string }): Promise<OpenModel> {
  const config = await readModelConfig(args.folder);
  if (args.adapter === undefined) return { config, weights: await openModelWeights({ folder: args.folder, config }) };
  const adapter = await openAdapter({ folder: args.adapter, model: config });
  try {
    return adaptedModel({ config, weights: await openModelWeights({ folder: args.folder, config }), adapter });
  } catch (error) {
    await adapter.close();
    throw error;
  }
}

function adaptedModel({ config, weights, adapter }: OpenModel & { adapter: AdapterFile }): OpenModel {
  const isTied = config.tieWordEmbeddings;
  const { changes, splits } = isTied ? tiedChanges(adapter.changes) : { changes: adapter.changes, splits: false };
  const source = (name: string) => (isTied && name === HEAD_WEIGHT ? EMBEDDING_WEIGHT : name);
  return {
    config: { ...config, tieWordEmbeddings: isTied && !splits },
    weights: {
      dtype: (name) => weights.dtype(source(name)),
      read: async (name) => {
        const stored = await weights.read(source(name));
        const change = changes.get(name);
        if (change === undefined) return stored;
        const { shape } = stored;
        const values = await applyChange({ values: toFloat32(stored), shape, change, read: adapter.read });
        return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
      },
      close: async () => {
        await Promise.all([weights.close(), adapter.close()]);
      },
    },
  };
}
