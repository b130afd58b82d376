import { rename, rm } from 'node:fs/promises';

/**
 * Makes a file or a folder beside its place and renames it there: it is whole or not there, and nothing half done is left
 * where making it fails. Whether it is on the disk by then is up to `make`.
 *
 * @param beside on the same file system; left out: the place's name with this process's number
 */
export async function putInPlace(args: {
  place: string;
  beside?: string;
  make: (beside: string) => Promise<void>;
}): Promise<void> {
  const { place, beside = `${place}.${process.pid}.tmp`, make } = args;
  try {
    await make(beside);
    await rename(beside, place);
  } finally {
    // Why it failed is more to the point than why that stays.
    await rm(beside, { recursive: true, force: true }).catch(() => {});
  }
}
