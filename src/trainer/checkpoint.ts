import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { CheckpointError } from '../system/errors.js';
import { putInPlace } from '../system/put-in-place.js';
import { type RunState, stateSchema } from './run-state.js';

const manifestSchema = z.record(z.string(), z.object({ size: z.number(), sha256: z.string() }));

const STATE = 'state.json';
/** The optimizer's moments. */
export const OPTIMIZER = 'optimizer.safetensors';
const MANIFEST = 'manifest.json';
const NAME = /^step-(\d{6,})$/;
const UNFINISHED = /^\.step-\d+\.unfinished$/;

/** Of its folder. */
export const checkpointName = (step: number): string => `step-${String(step).padStart(6, '0')}`;

/**
 * Writes a checkpoint: beside its place, with every file on the disk and listed in the manifest, then renamed. Whoever
 * finds it finds it whole. Afterwards the oldest beyond `keep` are removed, except those of `steps`.
 *
 * @param writeFiles writes weights and optimizer into the folder that it is given
 * @returns the checkpoint's folder
 */
export async function writeCheckpoint(args: {
  folder: string;
  state: RunState;
  keep: number;
  steps?: readonly number[];
  writeFiles: (folder: string) => Promise<void>;
}): Promise<string> {
  const { folder, state, keep, steps, writeFiles } = args;
  const name = checkpointName(state.step);
  const beside = path.join(folder, `.${name}.unfinished`);
  const place = path.join(folder, name);
  const make = async () => {
    await rm(beside, { recursive: true, force: true });
    await mkdir(beside, { recursive: true });
    await writeFiles(beside);
    await writeFile(path.join(beside, STATE), `${JSON.stringify(state, null, 2)}\n`);
    await writeManifest(beside);
    await syncPath(beside);
    await rm(place, { recursive: true, force: true });
  };
  await putInPlace({ place, beside, make });
  await syncPath(folder);
  await removeOld({ folder, keep, steps });
  return place;
}

/** A checkpoint that is whole. */
export interface Checkpoint {
  folder: string;
  state: RunState;
}

/**
 * The newest whole checkpoint of a run; damaged ones are reported and passed over. Null where there is none.
 *
 * @param folder the run's `checkpoints`
 * @throws CheckpointError `CHECKPOINT_DAMAGED` where there are some, and none is whole
 */
export async function latestCheckpoint({
  folder,
  warn,
}: {
  folder: string;
  warn: (message: string) => void;
}): Promise<Checkpoint | null> {
  const names = (await listCheckpoints(folder)).toReversed();
  for (const name of names) {
    try {
      return await openCheckpoint(path.join(folder, name));
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      warn(`${error.message}; it is passed over`);
    }
  }
  if (names.length === 0) return null;
  const message = `no checkpoint in ${folder} is whole (${names.join(', ')}); to start the run from its beginning, remove that folder`;
  throw new CheckpointError({ code: 'CHECKPOINT_DAMAGED', message });
}

/** @throws CheckpointError `CHECKPOINT_DAMAGED`, `CHECKPOINT_MISSING` */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const text = await readFile(path.join(folder, MANIFEST), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EISDIR') return '';
    const message = `${folder} is no whole checkpoint: it has no ${MANIFEST}; checkpoints are folders like <run>/checkpoints/${checkpointName(100)}`;
    throw new CheckpointError({ code: 'CHECKPOINT_MISSING', message, cause });
  });
  try {
    const manifest = parse({ name: MANIFEST, text, schema: manifestSchema });
    await checkNames({ folder, names: Object.keys(manifest) });
    for (const [name, expected] of Object.entries(manifest)) {
      const file = path.join(folder, name);
      const { size } = await stat(file).catch((cause: unknown) => {
        throw new Error(`${name} is missing`, { cause });
      });
      if (size !== expected.size) throw new Error(`${name} has ${size} bytes and should have ${expected.size}`);
      if ((await digest(file)) !== expected.sha256) throw new Error(`${name} has changed since it was written`);
    }
    const state = await readFile(path.join(folder, STATE), 'utf8');
    return { folder, state: parse({ name: STATE, text: state, schema: stateSchema }) };
  } catch (cause) {
    const message = `the checkpoint ${folder} is damaged: ${(cause as Error).message}`;
    throw new CheckpointError({ code: 'CHECKPOINT_DAMAGED', message, cause });
  }
}

/** What is read has to be listed, else damage to it would not be noticed. */
async function checkNames({ folder, names }: { folder: string; names: string[] }): Promise<void> {
  const isListed = (name: string) => names.includes(name);
  const hasWeights = names.some((name) => /^(adapter_)?model.*\.safetensors$/.test(name));
  const missing = [STATE, OPTIMIZER].find((name) => !isListed(name)) ?? (hasWeights ? undefined : 'a file of weights');
  if (missing !== undefined) throw new Error(`${MANIFEST} does not list ${missing}`);
  const read = (await readdir(folder)).filter((name) => /\.(json|safetensors)$/.test(name) && name !== MANIFEST);
  const strange = read.find((name) => !isListed(name));
  if (strange !== undefined) throw new Error(`${strange} was not written with it (${MANIFEST} does not list it)`);
}

function parse<T>({ name, text, schema }: { name: string; text: string; schema: z.ZodType<T> }): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${name} cannot be understood`, { cause });
  }
}

/**
 * Makes a run's checkpoints end with the one of `step`, where the run goes on: takes away what a killed process has
 * left half written, and later checkpoints, which are damaged or of a way that is not gone on with. They would be newer
 * than the run's records.
 */
export async function removeAfter({ folder, step }: { folder: string; step: number }): Promise<void> {
  const later = (await listCheckpoints(folder)).filter((name) => stepOf(name) > step);
  const unfinished = (await readdir(folder)).filter((name) => UNFINISHED.test(name));
  for (const name of [...later, ...unfinished]) await rm(path.join(folder, name), { recursive: true, force: true });
}

/** Oldest first. */
async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names.filter((name) => NAME.test(name)).sort((a, b) => stepOf(a) - stepOf(b));
}

const stepOf = (name: string): number => Number(NAME.exec(name)![1]);

/** Removes all but the newest `keep` checkpoints and those of `steps`. */
export async function removeOld(args: { folder: string; keep: number; steps?: readonly number[] }): Promise<void> {
  const { folder, keep, steps = [] } = args;
  for (const name of (await listCheckpoints(folder)).slice(0, -keep))
    if (!steps.includes(stepOf(name))) await rm(path.join(folder, name), { recursive: true, force: true });
}

/** The steps that a run has checkpoints of, whole or not. */
export async function checkpointSteps(folder: string): Promise<number[]> {
  return (await listCheckpoints(folder)).map(stepOf);
}

async function writeManifest(folder: string): Promise<void> {
  const manifest: z.infer<typeof manifestSchema> = {};
  for (const name of (await readdir(folder)).sort()) {
    const file = path.join(folder, name);
    await syncPath(file);
    manifest[name] = { size: (await stat(file)).size, sha256: await digest(file) };
  }
  const file = path.join(folder, MANIFEST);
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
  await syncPath(file);
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Returns when a file, or the names in a folder, are on the disk. */
async function syncPath(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
