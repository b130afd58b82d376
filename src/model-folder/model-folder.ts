import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ModelError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';

const HUB_ID = /^[\w.-]+\/[\w.-]+$/;

/**
 * The folder that a config's model names: a folder, or a hub id (`Qwen/Qwen2-VL-2B-Instruct`) that Hugging Face's tools
 * have downloaded into their cache (`HF_HUB_CACHE`, else `HF_HOME`/hub, else ~/.cache/huggingface/hub).
 *
 * @throws ModelError `MODEL_NOT_FOUND`
 */
export async function modelFolder(name: string): Promise<string> {
  if (await isFolder(name)) return name;
  if (await fileExists(name)) {
    const message = `${name} is not a folder: name the folder in Hugging Face layout that it lies in`;
    throw new ModelError({ code: 'MODEL_NOT_FOUND', message });
  }
  const snapshot = HUB_ID.test(name) ? await cachedSnapshot(name) : null;
  if (snapshot !== null) return snapshot;
  const remedy = HUB_ID.test(name)
    ? `if it is a hub id, download it first (hf download ${name}); if it is a folder, check the path`
    : 'check the path: it must be a folder in Hugging Face layout';
  throw new ModelError({ code: 'MODEL_NOT_FOUND', message: `there is no model ${name}: ${remedy}` });
}

/** The snapshot that `main` points to, in the layout of huggingface_hub's cache. */
async function cachedSnapshot(id: string): Promise<string | null> {
  const { HF_HUB_CACHE, HF_HOME } = process.env;
  const cache = HF_HUB_CACHE ?? path.join(HF_HOME ?? path.join(homedir(), '.cache', 'huggingface'), 'hub');
  const repository = path.join(cache, `models--${id.replace('/', '--')}`);
  const revision = await readFile(path.join(repository, 'refs', 'main'), 'utf8').catch(() => null);
  if (revision === null) return null;
  const snapshot = path.join(repository, 'snapshots', revision.trim());
  return (await isFolder(snapshot)) ? snapshot : null;
}

const isFolder = (folder: string): Promise<boolean> =>
  stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
