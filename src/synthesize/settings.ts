import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../system/errors.js';

/** What decides every pixel and every word of a set. Equal settings give equal sets. */
export interface SetSettings {
  /** Raised when the drawing or the annotations change, so that an old set is not taken for a new one. */
  generator: 1;
  seed: number;
  /** Height and width in pixels. */
  size: number;
  /** Shortest and longest clip. */
  seconds: readonly [number, number];
  /** Clips of each split, by its name. */
  splits: Readonly<Record<string, number>>;
}

const usage = (message: string) => new UsageError({ code: 'SYNTHESIZE_SETTINGS', message });

/** @throws UsageError naming the first setting that cannot be. */
export function checkSettings({ seed, size, seconds: [shortest, longest], splits }: SetSettings): void {
  const whole = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;
  if (!whole(seed, 0, 0xffffffff)) throw usage(`the seed is ${seed}: give a whole number from 0 to 4294967295.`);
  if (!whole(size, 56, 1024) || size % 2 !== 0)
    throw usage(`the size is ${size}: give an even number of pixels from 56 to 1024.`);
  if (!whole(shortest, 4, 90) || !whole(longest, shortest, 90))
    throw usage(`clips of ${shortest}-${longest} seconds: give whole seconds, from 4 to 90, the shorter first.`);
  for (const [name, clips] of Object.entries(splits)) {
    if (!/^[a-z0-9][a-z0-9_-]*$/.test(name))
      throw usage(`the split “${name}” names files: use small letters, digits, “-” and “_”.`);
    if (!whole(clips, 1, 100_000))
      throw usage(`${clips} clips in the split “${name}”: give a number from 1 to 100000.`);
  }
}

/** The set's own description, next to the settings that it was made with. */
export const DATASET_FILE = 'dataset.json';

/**
 * What is already in the folder: nothing, or the same set (finished or not).
 * @throws UsageError `SYNTHESIZE_FOLDER` if it holds another set, or anything else.
 */
export async function findSet({
  folder,
  settings,
}: {
  folder: string;
  settings: SetSettings;
}): Promise<'none' | 'same'> {
  const other = (what: string) =>
    new UsageError({
      code: 'SYNTHESIZE_FOLDER',
      message: `${folder} ${what}: give another folder, or remove this one.`,
    });
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw other(`cannot be used (${error.message})`);
  });
  // What a killed run left beside its first file.
  if (names.every((name) => name.endsWith('.tmp'))) return 'none';
  if (!names.includes(DATASET_FILE)) throw other('is not empty, and holds no synthetic set');
  const found = await readFile(join(folder, DATASET_FILE), 'utf8').then(
    (text) => (JSON.parse(text) as { settings?: unknown }).settings,
    () => undefined,
  );
  if (JSON.stringify(found) !== JSON.stringify(settings)) throw other('holds a set with other settings');
  return 'same';
}
