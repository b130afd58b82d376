import { stat } from 'node:fs/promises';
import path from 'node:path';
import { listVisuals } from '../../dataset/list-videos.js';
import { filledLines, readTextFile } from '../../dataset/text-file.js';
import { DataError } from '../../system/errors.js';

/**
 * The videos that are meant by files, folders and lists (`*.txt`, a path a line, from the list's own folder), each once.
 *
 * @returns absolute paths
 * @throws DataError where one is not there, or there is none
 */
export async function listedVideos(names: readonly string[], warn: (message: string) => void): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const kind = await stat(name).catch((cause: unknown) => {
      throw new DataError({ code: 'DATA_UNREADABLE', message: `${name}: there is no such file or folder`, cause });
    });
    if (kind.isDirectory()) {
      const { video } = await listVisuals({ folder: name, warn });
      found.push(...video.map((one) => path.resolve(name, one)));
    } else if (/\.txt$/i.test(name)) {
      const listed = filledLines(await readTextFile(name)).map(({ line }) =>
        path.resolve(path.dirname(name), line.trim()),
      );
      found.push(...(await listedVideos(listed, warn)));
    } else found.push(path.resolve(name));
  }
  const videos = [...new Set(found)];
  if (videos.length > 0) return videos;
  throw new DataError({ code: 'DATA_NOTHING_USABLE', message: `${names.join(', ')}: there is no video in it` });
}
