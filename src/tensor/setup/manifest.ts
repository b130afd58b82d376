import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';

const manifestSchema = z.object({
  tensorflowVersion: z.string(),
  /** The addon, relative to the folder. */
  addon: z.string(),
  /** By path relative to the folder. */
  files: z.record(z.string(), z.object({ bytes: z.number(), mtimeMs: z.number(), sha256: z.string() })),
});
/** What a finished runtime folder holds. */
export type Manifest = z.infer<typeof manifestSchema>;

const NAME = 'manifest.json';

/** Records all files of a folder; written last, it says that the folder is whole. */
export const writeManifest = async ({
  folder,
  tensorflowVersion,
  addonPath,
}: {
  folder: string;
  tensorflowVersion: string;
  addonPath: string;
}): Promise<void> => {
  const files: Manifest['files'] = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    files[relative(folder, path)] = { bytes: size, mtimeMs, sha256: await sha256(path) };
  }
  const manifest: Manifest = { tensorflowVersion, addon: relative(folder, addonPath), files };
  await writeFile(join(folder, NAME), JSON.stringify(manifest, null, 2));
};

/** Null if the folder is not there or was never finished, or what says so is damaged. */
export const readManifest = async (folder: string): Promise<Manifest | null> => {
  try {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, NAME), 'utf8')));
    return Object.hasOwn(manifest.files, manifest.addon) ? manifest : null;
  } catch {
    return null;
  }
};

/**
 * The first file that is not as it was recorded, or null. Sizes and times of change are compared; a file whose time
 * differs (a copied cache, or damage) is hashed. `thorough` hashes all of them.
 */
export const damagedFile = async ({
  folder,
  manifest,
  thorough,
}: {
  folder: string;
  manifest: Manifest;
  thorough: boolean;
}): Promise<string | null> => {
  for (const [name, recorded] of Object.entries(manifest.files)) {
    const path = join(folder, name);
    const stats = await stat(path).catch(() => null);
    if (stats?.size !== recorded.bytes) return path;
    const untouched = Math.abs(stats.mtimeMs - recorded.mtimeMs) < 1;
    if (untouched && !thorough) continue;
    if ((await sha256(path)) !== recorded.sha256) return path;
    // A copied cache is hashed only once; where its times cannot be set it still works.
    if (!untouched) await utimes(path, stats.atime, new Date(recorded.mtimeMs)).catch(() => {});
  }
  return null;
};

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
};
