import { VideoError } from '../system/errors.js';
import type { VideoInput } from './input.js';
import type { FfmpegResult } from './run-ffmpeg.js';

/** What to throw when ffmpeg did not give what was asked of a file. */
export const unreadable = ({
  input: {
    file,
    budget: { bounds },
  },
  result: { exceeded, said },
}: {
  input: Pick<VideoInput, 'file' | 'budget'>;
  result: Pick<FfmpegResult, 'exceeded' | 'said'>;
}): VideoError => {
  if (exceeded === 'time') {
    const limit = `took longer than data.video.max_decode_seconds (${bounds.max_decode_seconds})`;
    const message = `${file}: ffmpeg ${limit} and was stopped. Encode it anew with key frames and times, raise the option, or leave it out.`;
    return new VideoError({ code: 'VIDEO_TIMEOUT', message });
  }
  if (exceeded === 'pixels') {
    const size = /Picture size (\d+x\d+)/.exec(said)?.[1] ?? 'larger';
    const limit = `data.video.max_source_pixels is ${bounds.max_source_pixels}`;
    const message = `${file}: its frames are ${size}, and ${limit}: raise the option, encode it smaller, or leave it out.`;
    return new VideoError({ code: 'VIDEO_TOO_LARGE', message });
  }
  if (exceeded === 'memory') {
    const limit = `data.video.max_decode_memory_mib is ${bounds.max_decode_memory_mib}`;
    const message = `${file}: ffmpeg ran out of memory (${limit}): raise the option, encode it smaller, or leave it out.`;
    return new VideoError({ code: 'VIDEO_TOO_LARGE', message });
  }
  if (/matches no streams/.test(said)) {
    const message = `${file} has no video stream: leave it out, or point to the right file.`;
    return new VideoError({ code: 'VIDEO_NO_STREAM', message });
  }
  if (/moov atom not found/.test(said)) {
    const message = `${file} is cut off: its index, which stands at the end of the file, is not there; fetch it anew, or leave it out.`;
    return new VideoError({ code: 'VIDEO_UNREADABLE', message });
  }
  const message = `${file} cannot be read as a video${said && ` (ffmpeg: ${said})`}: fetch or encode it anew, or leave it out.`;
  return new VideoError({ code: 'VIDEO_UNREADABLE', message });
};
