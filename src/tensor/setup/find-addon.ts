import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../system/atomic-write.js';
import { cacheFolder } from '../../system/cache-folder.js';
import { SetupError } from '../../system/errors.js';
import { bindingVersion, installedPackage } from './binding-source.js';
import { damagedFile, readManifest } from './manifest.js';
import { probeAddon } from './probe.js';
import { runtimeTarget, type Target } from './target.js';

/** A working N-API addon, ready to be loaded with `require`. */
export interface AddonLocation {
  addonPath: string;
  tensorflowVersion: string;
  /** `package`: npm's install script made it; `cache`: we did. */
  source: 'package' | 'cache';
  /** It was built for NVIDIA GPUs (it runs on the CPU where there is none). */
  cuda: boolean;
}

export interface FindOptions {
  /** Only a CUDA build that we made. */
  cuda?: boolean;
  /** Hashes every file and runs the addon, instead of comparing sizes and times. */
  thorough?: boolean;
}

/** Where finished runtimes and the lock lie. */
export const runtimesFolder = (): string => join(cacheFolder(), 'tensorflow');

/** Counts the changes to how the addon is built. */
const BUILD = 3;

/** The folder of one runtime. */
export const runtimeFolder = (target: Target, tensorflowVersion: string): string => {
  const name = `${target.platform}-tensorflow-${tensorflowVersion}-tfjs-${bindingVersion()}-build-${BUILD}`;
  return join(runtimesFolder(), target.cuda ? `${name}-cuda` : name);
};

/**
 * The addon to use: the CUDA build that the user asked setup for, else the one of the installed npm package, else the
 * CPU build that setup made. Null if there is none, or it is damaged. Takes milliseconds and no network; only the
 * package's own is run once (a second), and what came of it is remembered.
 */
export const findAddon = async ({ cuda = false, thorough = false }: FindOptions = {}): Promise<AddonLocation | null> =>
  (await findInCache({ cuda: true, thorough })) ??
  (cuda ? null : ((await findInPackage()) ?? (await findInCache({ cuda: false, thorough }))));

const findInCache = async ({ cuda, thorough }: Required<FindOptions>): Promise<AddonLocation | null> => {
  const target = targetOrNull(cuda);
  for (const version of target?.tensorflowVersions ?? []) {
    const folder = runtimeFolder(target!, version);
    const manifest = await readManifest(folder);
    if (manifest === null || (await damagedFile({ folder, manifest, thorough })) !== null) continue;
    const addonPath = join(folder, manifest.addon);
    if (thorough && (await works(addonPath)) === null) continue;
    return { addonPath, tensorflowVersion: manifest.tensorflowVersion, source: 'cache', cuda };
  }
  return null;
};

const targetOrNull = (cuda: boolean): Target | null => {
  try {
    return runtimeTarget({ cuda });
  } catch {
    return null;
  }
};

const works = async (addonPath: string): Promise<string | null> => {
  try {
    return (await probeAddon({ addonPath })).tensorflowVersion;
  } catch (error) {
    if (error instanceof SetupError) return null;
    throw error;
  }
};

/** What a run of the package's own addon gave; its libraries may be for another machine. */
interface Verdict {
  addonPath: string;
  bytes: number;
  mtimeMs: number;
  /** Null: it does not work. */
  tensorflowVersion: string | null;
}

const findInPackage = async (): Promise<AddonLocation | null> => {
  const addonPath = packageAddon();
  if (addonPath === null) return null;
  const { size: bytes, mtimeMs } = await stat(addonPath);
  const file = join(runtimesFolder(), 'package-addon.json');
  let verdict = await readVerdict(file);
  if (verdict?.addonPath !== addonPath || verdict.bytes !== bytes || verdict.mtimeMs !== mtimeMs) {
    verdict = { addonPath, bytes, mtimeMs, tensorflowVersion: await works(addonPath) };
    await writeVerdict(file, verdict);
  }
  const { tensorflowVersion } = verdict;
  return tensorflowVersion === null ? null : { addonPath, tensorflowVersion, source: 'package', cuda: true };
};

/** The addon that the package's install script leaves, by the highest Node-API version. */
const packageAddon = (): string | null => {
  const installed = installedPackage();
  if (installed === null) return null;
  const lib = join(installed.folder, 'lib');
  const folders = existsSync(lib) ? readdirSync(lib).filter((name) => /^napi-v\d+$/.test(name)) : [];
  const newestFirst = folders.toSorted((a, b) => Number(b.slice(6)) - Number(a.slice(6)));
  return newestFirst.map((name) => join(lib, name, 'tfjs_binding.node')).find((file) => existsSync(file)) ?? null;
};

const readVerdict = async (file: string): Promise<Verdict | null> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Verdict;
  } catch {
    return null;
  }
};

/** A cache that cannot be written to costs a second each time, and is no failure. */
const writeVerdict = async (file: string, verdict: Verdict): Promise<void> => {
  try {
    await mkdir(runtimesFolder(), { recursive: true });
    await writeAtomically({ file, text: JSON.stringify(verdict) });
  } catch {}
};
