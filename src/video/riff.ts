import { open } from 'node:fs/promises';

/** Whether an AVI file is shorter than its head says; ffmpeg reads such a one without a word. */
export const isCutRiff = async (file: string): Promise<boolean> => {
  const handle = await open(file);
  try {
    const head = Buffer.alloc(8);
    const { bytesRead } = await handle.read(head, 0, 8, 0);
    if (bytesRead < 8 || head.toString('latin1', 0, 4) !== 'RIFF') return false;
    return 8 + head.readUInt32LE(4) > (await handle.stat()).size;
  } finally {
    await handle.close();
  }
};
