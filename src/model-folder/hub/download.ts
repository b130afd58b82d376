import { mkdir, readFile, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { formatBytes } from '../../system/bytes.js';
import { ModelError } from '../../system/errors.js';
import { fileExists } from '../../system/file-exists.js';
import { putInPlace } from '../../system/put-in-place.js';
import { withLock } from '../../system/with-lock.js';
import { INDEX, repositoryFolder, SINGLE } from './cache.js';
import { fetchFile, type HubFile } from './fetch-file.js';
import { PATIENCE, type Patience, patientFetch, reasonOf } from './patient-fetch.js';
import { type HubSettings, hubSettings, isOffline } from './settings.js';

/** Where a download shows itself. */
export interface DownloadView {
  /** Bytes of all files that have come, of so many. */
  onProgress: (done: number, total: number) => void;
  report: (line: string) => void;
}

type Options = DownloadView & { id: string; patience?: Patience };

/** Beside weights: configs, tokenizer, templates. */
const SMALL = /^[\w.-]+\.(json|txt|jinja|model)$/;
const WEIGHTS = /^[\w.-]+\.safetensors$/;
const LISTING_RETRIES = 2;
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * Downloads a model of the hub into Hugging Face's own cache, as its tools lay it out, and makes `main` point to it.
 * Files that are there are not fetched again. Two processes that want the same take turns.
 *
 * @returns the snapshot's folder
 * @throws ModelError `HUB_OFFLINE`, `HUB_REFUSED`, `HUB_NOT_FOUND`, `HUB_UNREACHABLE`, `HUB_FILE`, `HUB_NO_WEIGHTS`,
 *   `HUB_DISK_FULL`
 */
export async function downloadModel({ id, patience = PATIENCE, ...view }: Options): Promise<string> {
  if (isOffline()) {
    const message = `${id} is not in Hugging Face's cache, and HF_HUB_OFFLINE is set: unset it to download, or name a folder.`;
    throw new ModelError({ code: 'HUB_OFFLINE', message });
  }
  const settings = await hubSettings();
  const repository = repositoryFolder(id);
  await mkdir(repository, { recursive: true });
  const waiting = () => view.report(`another process is downloading ${id}; waiting for it`);
  const task = () => download({ id, patience, ...view, ...settings, repository });
  return withLock({ file: path.join(repository, '.vau-rft.lock'), waiting, task });
}

type Job = Options & HubSettings & { patience: Patience; repository: string };

async function download(job: Job): Promise<string> {
  const { repository, report } = job;
  const { revision, files } = await listing(job);
  const snapshot = path.join(repository, 'snapshots', revision);
  await mkdir(path.join(repository, 'blobs'), { recursive: true });
  await mkdir(snapshot, { recursive: true });
  const small = files.filter(({ path: name }) => SMALL.test(name));
  await bring({ ...job, revision, snapshot, files: small });
  const weights = await weightFiles({ job, snapshot, files });
  await checkRoom({ job, files: weights });
  await bring({ ...job, revision, snapshot, files: weights, before: small });
  const ref = path.join(repository, 'refs', 'main');
  await mkdir(path.dirname(ref), { recursive: true });
  await putInPlace({ place: ref, make: (file) => writeFile(file, revision) });
  report(`${job.id} is ready in ${snapshot}`);
  return snapshot;
}

/** The commit that `main` is, and its files. */
async function listing(job: Job): Promise<{ revision: string; files: HubFile[] }> {
  const { id, endpoint: hubUrl, token: accessToken } = job;
  // Where there is no hub at all, nobody should wait half a minute to hear it.
  const patience = { ...job.patience, retries: Math.min(job.patience.retries, LISTING_RETRIES) };
  const common = { hubUrl, accessToken, fetch: patientFetch({ ...job, patience }) };
  try {
    const { sha: revision } = await modelInfo({ ...common, name: id, revision: 'main', additionalFields: ['sha'] });
    const files: HubFile[] = [];
    for await (const { type, path: name, size, oid, lfs } of listFiles({ ...common, repo: id, revision })) {
      if (type !== 'file' || oid === undefined) continue;
      files.push({ path: name, size: lfs?.size ?? size, blob: lfs?.oid ?? oid, isLarge: lfs !== undefined });
    }
    if (!/^[0-9a-f]{40}$/.test(revision) || files.some(({ blob }) => !/^[0-9a-f]{40,64}$/.test(blob)))
      throw new Error('its answer is not that of a hub');
    return { revision, files };
  } catch (cause) {
    throw hubError(job, cause);
  }
}

/** The shards that the index names, or the one file; others of the kind (of another format) are let be. */
async function weightFiles(args: { job: Job; snapshot: string; files: HubFile[] }): Promise<HubFile[]> {
  const { job, snapshot, files } = args;
  const index = await readFile(path.join(snapshot, INDEX), 'utf8').catch(() => null);
  const names =
    index === null ? new Set([SINGLE]) : new Set(Object.values(indexSchema.parse(JSON.parse(index)).weight_map));
  const found = files.filter(({ path: name }) => WEIGHTS.test(name) && names.has(name));
  if (found.length === names.size) return found;
  const message = `${job.id} has no weights in safetensors (${[...names][0]}): take a model that has them, or write it again with transformers' save_pretrained.`;
  throw new ModelError({ code: 'HUB_NO_WEIGHTS', message });
}

/** What is missing of some files is fetched, one after the other, and linked into the snapshot. */
async function bring(
  args: Job & { revision: string; snapshot: string; files: HubFile[]; before?: HubFile[] },
): Promise<void> {
  const {
    id,
    endpoint,
    token,
    repository,
    revision,
    snapshot,
    files,
    before = [],
    patience,
    onProgress,
    report,
  } = args;
  const total = [...before, ...files].reduce((sum, { size }) => sum + size, 0);
  let done = before.reduce((sum, { size }) => sum + size, 0);
  for (const file of files) {
    const target = path.join(repository, 'blobs', file.blob);
    if (!(await fileExists(target)))
      await fetchFile({
        file,
        target,
        url: `${endpoint}/${id}/resolve/${revision}/${encodeURIComponent(file.path)}`,
        headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
        patience,
        fetch: refusing(args),
        onProgress: (bytes) => onProgress(done + bytes, total),
        report,
      });
    done += file.size;
    onProgress(done, total);
    const link = path.join(snapshot, file.path);
    if (await fileExists(link)) continue;
    await rm(link, { force: true });
    await symlink(path.join('..', '..', 'blobs', file.blob), link);
  }
}

/** A patient `fetch` that does not come back with what no patience mends. */
function refusing(job: Job): typeof fetch {
  const patient = patientFetch(job);
  return async (input, init) => {
    const response = await patient(input, init);
    if (response.status === 401 || response.status === 403 || response.status === 404) {
      await response.body?.cancel();
      throw hubError(job, new HubApiError(String(input), response.status));
    }
    return response;
  };
}

async function checkRoom({ job, files }: { job: Job; files: HubFile[] }): Promise<void> {
  const wanted = await Promise.all(
    files.map(async ({ blob, size }) => ((await fileExists(path.join(job.repository, 'blobs', blob))) ? 0 : size)),
  );
  const needed = wanted.reduce((sum, size) => sum + size, 0);
  const { bavail, bsize } = await statfs(job.repository);
  if (needed <= bavail * bsize) return;
  const message = `${job.id} needs ${formatBytes(needed)} more in ${job.repository}, and ${formatBytes(bavail * bsize)} are free: make room, or set HF_HUB_CACHE to another disk.`;
  throw new ModelError({ code: 'HUB_DISK_FULL', message });
}

function hubError({ id, endpoint, token }: Job, cause: unknown): ModelError {
  if (cause instanceof ModelError) return cause;
  const status = cause instanceof HubApiError ? cause.statusCode : undefined;
  if (status === 401 || status === 403) {
    const remedy =
      token === undefined
        ? 'it may need a token: set HF_TOKEN, and accept its licence on its page'
        : 'the token in HF_TOKEN may not read it: check it, and accept the licence on its page';
    return new ModelError({ code: 'HUB_REFUSED', message: `the hub refuses ${id} (${status}): ${remedy}.`, cause });
  }
  if (status === 404) {
    const message = `the hub has no model ${id}: check the name; if it is private, set HF_TOKEN. A folder of that name is not here either.`;
    return new ModelError({ code: 'HUB_NOT_FOUND', message, cause });
  }
  const what = status === undefined ? reasonOf(cause) : `it answers ${status}`;
  const message = `${id} cannot be downloaded from ${endpoint} (${what}): try again later, or name a folder.`;
  return new ModelError({ code: 'HUB_UNREACHABLE', message, cause });
}
