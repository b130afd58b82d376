import { stat } from 'node:fs/promises';
import { VideoError } from '../system/errors.js';

/** @throws VideoError `VIDEO_NOT_FOUND`, `VIDEO_UNREADABLE`, `VIDEO_NOT_A_FILE`, `VIDEO_EMPTY` for what cannot be a video. */
export const checkFile = async (file: string): Promise<void> => {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
      throw new VideoError({ code: 'VIDEO_NOT_FOUND', message: `There is no file ${file}: check the path.`, cause });
    }
    throw new VideoError({ code: 'VIDEO_UNREADABLE', message: `${file} cannot be opened: ${cause.message}.`, cause });
  });
  // A pipe or a device could make ffmpeg wait for ever.
  if (!found.isFile()) {
    throw new VideoError({ code: 'VIDEO_NOT_A_FILE', message: `${file} is not a file: a video file is needed here.` });
  }
  if (found.size === 0) {
    throw new VideoError({
      code: 'VIDEO_EMPTY',
      message: `${file} is empty (0 bytes): fetch it anew, or leave it out.`,
    });
  }
};
