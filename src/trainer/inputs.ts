import { createHash, type Hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Sample } from '../dataset/sample.js';
import type { VisualFile } from '../dataset/visual.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { openRegularFile } from '../system/regular-file.js';
import type { Inputs } from './run-state.js';

/** The files of a model folder that decide what is computed. */
const MODEL_FILE =
  /^((generation_|processor_|tokenizer_|(video_)?preprocessor_)?config|tokenizer|chat_template|vocab|added_tokens|special_tokens_map)\.json$|^merges\.txt$|^chat_template\.jinja$|^model.*\.safetensors(\.index\.json)?$/;

/** Files up to this are hashed whole; of larger ones, so many blocks spread over the file. Bytes. */
const WHOLE = 2 ** 25;
const BLOCKS = 1024;
const BLOCK = 2 ** 14;

/** Digests of what a run reads, to notice that it has changed when the run is resumed. */
export async function readInputs({ samples, model }: { samples: readonly Sample[]; model: string }): Promise<Inputs> {
  const folder = await modelFolder(model);
  const names = (await readdir(folder)).filter((name) => MODEL_FILE.test(name)).sort();
  const files: Inputs['model'] = {};
  // What is no file is told when the model is loaded.
  for (const name of names) files[name] = await fileDigest(path.join(folder, name)).catch(() => 'unreadable');
  return { data: { samples: samples.length, digest: samplesDigest(samples) }, model: files };
}

/** What is not as it was: nothing, or a phrase for each thing. */
export function changedInputs(before: Inputs, after: Inputs): string[] {
  const changes: string[] = [];
  if (before.data.samples !== after.data.samples)
    changes.push(`the training data has ${after.data.samples} samples and had ${before.data.samples}`);
  else if (before.data.digest !== after.data.digest)
    changes.push(`the ${after.data.samples} training samples are not those of before, or have other answers`);
  const names = [...new Set([...Object.keys(before.model), ...Object.keys(after.model)])];
  const files = names.filter((name) => before.model[name] !== after.model[name]);
  if (files.length > 0) changes.push(`the model that it starts from has another ${files.join(', ')}`);
  return changes;
}

/** Of ids, questions and answers, in their order; where the videos lie does not matter. */
export function samplesDigest(samples: readonly Sample[]): string {
  const hash = createHash('sha256');
  const shown = ({ kind, file, part }: VisualFile) =>
    kind === 'video' && part === undefined ? path.basename(file) : [kind, path.basename(file), part];
  for (const { visuals, ...sample } of samples) hash.update(`${JSON.stringify([...visuals.map(shown), sample])}\n`);
  return shortened(hash);
}

async function fileDigest(file: string): Promise<string> {
  const hash = createHash('sha256');
  const { handle, size } = await openRegularFile(file);
  try {
    hash.update(`${size}\n`);
    const count = size <= WHOLE ? Math.ceil(size / BLOCK) : BLOCKS;
    const block = Buffer.alloc(BLOCK);
    for (let i = 0; i < count; i++) {
      const at = size <= WHOLE ? i * BLOCK : Math.floor((i * (size - BLOCK)) / (count - 1));
      const { bytesRead } = await handle.read(block, 0, BLOCK, at);
      hash.update(block.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
  return shortened(hash);
}

const shortened = (hash: Hash): string => hash.digest('hex').slice(0, 32);
