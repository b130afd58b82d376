import { realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { DataError, VideoError } from '../errors.js';

/**
 * The absolute path of the video `name` in the folder `root`, symbolic links resolved; the file must be inside the folder.
 *
 * @param name relative, as an annotation gives it.
 * @throws DataError `VIDEO_OUTSIDE`: `name` is absolute or leads out of `root`, be it by a link.
 * @throws VideoError `VIDEO_NOT_FOUND`.
 */
export const resolveVideo = async ({ root, name }: { root: string; name: string }): Promise<string> => {
  const outside = (): DataError =>
    new DataError({
      code: 'VIDEO_OUTSIDE',
      message: `The video ${JSON.stringify(name)} is not inside ${root}: give a path within that folder.`,
    });
  if (isAbsolute(name) || name.includes('\0') || leadsOut(relative(root, join(root, name)))) throw outside();
  const missing = (path: string) => (cause: unknown) => {
    throw new VideoError({ code: 'VIDEO_NOT_FOUND', message: `There is no file ${path}: check the path.`, cause });
  };
  const folder = await realpath(root).catch(missing(root));
  const file = await realpath(join(root, name)).catch(missing(join(root, name)));
  if (leadsOut(relative(folder, file))) throw outside();
  return file;
};

/** Says whether a relative path is the folder itself or something out of it. */
const leadsOut = (path: string): boolean =>
  path === '' || path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
