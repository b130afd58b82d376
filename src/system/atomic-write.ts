import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { putInPlace } from './put-in-place.js';

/** Writes a file beside its place and renames it there, on the disk before this returns: it is whole or not there. */
export async function writeAtomically({ file, text }: { file: string; text: string | Uint8Array }): Promise<void> {
  const make = async (beside: string) => {
    const handle = await open(beside, 'w');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
  await putInPlace({ place: file, make });
  await syncFolder(dirname(file));
}

/** Makes names written into a folder (a rename) survive a power cut, where the system can do it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
