import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openSafetensors, toFloat32, writeSafetensors } from '../../../src/model-folder/safetensors.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../../src/policy/adapter/names.js';
import { folderWith } from '../../folder.js';

interface Tensor {
  name: string;
  shape: readonly number[];
  values: Float32Array;
}

/** A copy of an adapter with other tensors or settings, in a folder that is gone after the test. */
export async function adapterCopy(args: {
  from: string;
  tensors?: (tensors: Tensor[]) => Tensor[];
  config?: object;
}): Promise<string> {
  const { from, tensors: change = (tensors) => tensors, config } = args;
  const folder = await folderWith();
  const file = await openSafetensors(path.join(from, ADAPTER_WEIGHTS));
  const tensors: Tensor[] = [];
  for (const [name, { shape }] of file.entries)
    tensors.push({ name, shape, values: toFloat32(await file.readTensor(name)) });
  await file.close();
  const sources = change(tensors).map(({ values, ...rest }) => ({ ...rest, read: () => values }));
  await writeSafetensors({ file: path.join(folder, ADAPTER_WEIGHTS), tensors: sources });
  const [given, written] = [from, folder].map((place) => path.join(place, ADAPTER_CONFIG)) as [string, string];
  if (config === undefined) await copyFile(given, written);
  else await writeFile(written, JSON.stringify({ ...JSON.parse(await readFile(given, 'utf8')), ...config }));
  return folder;
}

/** A renaming, for `tensors`. */
export const renamed =
  (rename: (name: string) => string) =>
  (tensors: Tensor[]): Tensor[] =>
    tensors.map((tensor) => ({ ...tensor, name: rename(tensor.name) }));
