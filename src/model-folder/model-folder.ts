import { stat } from 'node:fs/promises';
import { ModelError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';
import { cachedModel, isHubId } from './hub/cache.js';
import { type DownloadView, downloadModel } from './hub/download.js';
import { isOffline } from './hub/settings.js';

/**
 * The folder that a config's model names: a folder, or a hub id (`Qwen/Qwen2.5-VL-3B-Instruct`) that lies in Hugging
 * Face's cache (`HF_HUB_CACHE`, else `HF_HOME`/hub, else ~/.cache/huggingface/hub), whoever has put it there.
 *
 * @throws ModelError `MODEL_NOT_FOUND`, `HUB_OFFLINE`
 */
export async function modelFolder(name: string): Promise<string> {
  const found = await findModel(name);
  if (found !== null) return found;
  const message = `there is no model ${name} in Hugging Face's cache: download it first (vau-rft download ${name}); if it is a folder, check the path`;
  throw new ModelError({ code: 'MODEL_NOT_FOUND', message });
}

/** The same; a model of the hub that is not there, or not all of it, is downloaded. @throws as `downloadModel`, too */
export async function ensureModel(name: string, view: DownloadView): Promise<string> {
  return (await findModel(name)) ?? downloadModel({ id: name, ...view });
}

/** @returns null for a model of the hub that is not in the cache, or not whole */
async function findModel(name: string): Promise<string | null> {
  if (await isFolder(name)) return name;
  if (await fileExists(name)) {
    const message = `${name} is not a folder: name the folder in Hugging Face layout that it lies in`;
    throw new ModelError({ code: 'MODEL_NOT_FOUND', message });
  }
  if (!isHubId(name)) {
    const message = `there is no model ${name}: check the path: it must be a folder in Hugging Face layout`;
    throw new ModelError({ code: 'MODEL_NOT_FOUND', message });
  }
  const cached = await cachedModel(name);
  if (cached === null || cached.missing.length === 0) return cached?.folder ?? null;
  if (!isOffline()) return null;
  const some = cached.missing.slice(0, 3).join(', ') + (cached.missing.length > 3 ? ', …' : '');
  const message = `Hugging Face's cache holds only a part of ${name} (${some} missing in ${cached.folder}), and HF_HUB_OFFLINE is set: unset it to download the rest.`;
  throw new ModelError({ code: 'HUB_OFFLINE', message });
}

const isFolder = (folder: string): Promise<boolean> =>
  stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
