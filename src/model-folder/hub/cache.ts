import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { fileExists } from '../../system/file-exists.js';
import { readJsonIfPresent } from '../json.js';

/** `Qwen/Qwen2.5-VL-3B-Instruct` */
const HUB_ID = /^[\w.-]+\/[\w.-]+$/;

export const isHubId = (name: string): boolean => HUB_ID.test(name) && !name.includes('..') && !name.startsWith('.');

/** Where Hugging Face's tools keep what they have downloaded, by their environment variables. */
export function hubCache({ env = process.env }: { env?: NodeJS.ProcessEnv } = {}): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = env;
  const home = HF_HOME ?? path.join(XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'huggingface');
  return HF_HUB_CACHE ?? HUGGINGFACE_HUB_CACHE ?? path.join(home, 'hub');
}

/** The folder of a model in the cache: `blobs`, `refs` and `snapshots` lie in it. */
export const repositoryFolder = (id: string): string => path.join(hubCache(), `models--${id.replace('/', '--')}`);

export const INDEX = 'model.safetensors.index.json';
export const SINGLE = 'model.safetensors';
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** A model of the cache: the snapshot that `main` points to, and what it lacks. */
export interface Cached {
  folder: string;
  /** Names of files that a model needs and that are not there. */
  missing: string[];
}

/** @returns null where nothing of it is there */
export async function cachedModel(id: string): Promise<Cached | null> {
  const repository = repositoryFolder(id);
  const revision = await readFile(path.join(repository, 'refs', 'main'), 'utf8').catch(() => null);
  if (revision === null) return null;
  const folder = path.join(repository, 'snapshots', path.basename(revision.trim()));
  if (!(await fileExists(folder))) return null;
  return { folder, missing: await missingFiles(folder) };
}

/** Of config, tokenizer and weights. A link of the cache whose blob is gone is missing, too. */
async function missingFiles(folder: string): Promise<string[]> {
  const index = await readJsonIfPresent({ file: path.join(folder, INDEX), schema: indexSchema }).catch(() => undefined);
  const weights = index === undefined ? [SINGLE] : [...new Set(Object.values(index.weight_map))];
  const needed = ['config.json', 'tokenizer.json', ...weights];
  const isThere = await Promise.all(needed.map((name) => fileExists(path.join(folder, name))));
  return needed.filter((_, i) => !isThere[i]);
}
