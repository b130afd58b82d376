import path from 'node:path';
import { z } from 'zod';
import { ModelError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';
import { readJsonIfPresent } from './json.js';
import {
  openSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  type WeightDtype,
  weightDtype,
} from './safetensors.js';
import { canonicalTensorName } from './tensor-names.js';
import { whyNoWeights } from './why-no-weights.js';

/** The weights of a model folder under their canonical names (`canonicalTensorName`), read one tensor at a time. */
export interface Weights {
  names(): string[];
  has(name: string): boolean;
  /** @throws ModelError `TENSOR_MISSING` */
  shape(name: string): readonly number[];
  /** @throws ModelError `TENSOR_MISSING`, `WEIGHTS_DTYPE` */
  dtype(name: string): WeightDtype;
  /** @throws ModelError `TENSOR_MISSING`, `TENSOR_SHAPE` or `WEIGHTS_DTYPE` where a tensor is not what is expected */
  check(name: string, expected: readonly number[]): void;
  /** @throws ModelError `TENSOR_MISSING`, `WEIGHTS_INVALID`, `WEIGHTS_DTYPE` */
  read(name: string): Promise<StoredTensor>;
  close(): Promise<void>;
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** As one check, which gives one issue: a record of zod's would give one for each of millions of wrong entries. */
const areNames = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every((name) => typeof name === 'string');
const indexSchema = z.object({
  weight_map: z.custom<Record<string, string>>(areNames, 'must be an object of tensor names and the files they are in'),
});

/** A tensor's file and its name there. */
interface Place {
  shard: SafetensorsFile;
  stored: string;
}

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
 *
 * @throws ModelError `WEIGHTS_MISSING`, `WEIGHTS_INVALID`, `TENSOR_MISSING` or `MODEL_FILE_INVALID`, naming the file.
 */
export async function openWeights(folder: string): Promise<Weights> {
  const shards: SafetensorsFile[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(shards.map((shard) => shard.close()));
  };
  try {
    const places = await locate(folder, async (file) => {
      const shard = await openSafetensors(file);
      shards.push(shard);
      return shard;
    });
    return { ...readers(folder, places), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function readers(folder: string, places: ReadonlyMap<string, Place>): Omit<Weights, 'close'> {
  const find = (name: string): Place => {
    const place = places.get(name);
    if (place) return place;
    throw new ModelError({
      code: 'TENSOR_MISSING',
      message: `the weights in ${folder} have no tensor ${name}: the checkpoint is incomplete, or config.json is another model's.`,
    });
  };
  const shape = (name: string): readonly number[] => {
    const { shard, stored } = find(name);
    return shard.entries.get(stored)!.shape;
  };
  const dtype = (name: string): WeightDtype => {
    const { shard, stored } = find(name);
    return weightDtype({ file: shard.file, name, dtype: shard.entries.get(stored)!.dtype });
  };
  return {
    names: () => [...places.keys()],
    has: (name) => places.has(name),
    shape,
    dtype,
    check: (name, expected) => {
      dtype(name);
      checkShape({ file: find(name).shard.file, name, found: shape(name), expected });
    },
    read: async (name) => {
      const { shard, stored } = find(name);
      return shard.readTensor(stored);
    },
  };
}

function checkShape({
  file,
  name,
  found,
  expected,
}: {
  file: string;
  name: string;
  found: readonly number[];
  expected: readonly number[];
}): void {
  if (found.length === expected.length && found.every((size, axis) => size === expected[axis])) return;
  throw new ModelError({
    code: 'TENSOR_SHAPE',
    message: `${file}: tensor ${name} is [${found.join(', ')}], config.json asks for [${expected.join(', ')}]: the two are not of the same model.`,
  });
}

type OpenShard = (file: string) => Promise<SafetensorsFile>;

/** Hugging Face's order: the single file if there is one, else the shards. */
async function locate(folder: string, openShard: OpenShard): Promise<Map<string, Place>> {
  const single = path.join(folder, SINGLE);
  if (await fileExists(single)) {
    const shard = await openShard(single);
    return canonicalPlaces([...shard.entries.keys()].map((stored) => ({ shard, stored })));
  }
  const indexFile = path.join(folder, INDEX);
  const index = await readJsonIfPresent({ file: indexFile, schema: indexSchema });
  if (index) return locateShards({ folder, indexFile, weightMap: index.weight_map, openShard });
  throw new ModelError({
    code: 'WEIGHTS_MISSING',
    message: `${folder} has neither ${SINGLE} nor ${INDEX}: ${await whyNoWeights(folder)}.`,
  });
}

async function locateShards({
  folder,
  indexFile,
  weightMap,
  openShard,
}: {
  folder: string;
  indexFile: string;
  weightMap: Record<string, string>;
  openShard: OpenShard;
}): Promise<Map<string, Place>> {
  const shards = new Map<string, SafetensorsFile>();
  for (const name of new Set(Object.values(weightMap))) {
    if (path.basename(name) !== name) {
      throw new ModelError({
        code: 'MODEL_FILE_INVALID',
        message: `${indexFile} names the shard ${name}: shards must lie beside it, without a folder in their name.`,
      });
    }
    shards.set(name, await openShard(path.join(folder, name)));
  }
  const places = Object.entries(weightMap).map(([stored, file]) => ({ shard: shards.get(file)!, stored }));
  for (const { shard, stored } of places) {
    if (shard.entries.has(stored)) continue;
    throw new ModelError({
      code: 'TENSOR_MISSING',
      message: `${shard.file} has no tensor ${stored}, which ${INDEX} says it has: fetch both again.`,
    });
  }
  for (const [file, shard] of shards)
    for (const stored of shard.entries.keys()) {
      if (weightMap[stored] === file) continue;
      throw new ModelError({
        code: 'TENSOR_UNUSED',
        message: `${shard.file} has a tensor ${stored}, which ${INDEX} does not say of it: the two are not of the same model; fetch both again.`,
      });
    }
  return canonicalPlaces(places);
}

function canonicalPlaces(places: Place[]): Map<string, Place> {
  const canonical = new Map<string, Place>();
  for (const place of places) {
    const name = canonicalTensorName(place.stored);
    const twin = canonical.get(name);
    if (twin) {
      throw new ModelError({
        code: 'WEIGHTS_INVALID',
        message: `${place.shard.file} has both ${twin.stored} and ${place.stored}, two names of one tensor: keep one.`,
      });
    }
    canonical.set(name, place);
  }
  return canonical;
}
