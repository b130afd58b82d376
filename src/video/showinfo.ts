/** What ffmpeg's `showinfo` filter logs of one decoded frame. */
export interface ShownFrame {
  /** In ticks of the time base; `null` where the frame has no time. */
  pts: number | null;
  /** After rotation. */
  width: number;
  height: number;
  /** Width of a pixel by its height; 1 where the file does not say. */
  pixelAspectRatio: number;
}

const frame = /showinfo.* n: *\d+ pts: *(NOPTS|-?\d+) .* sar:(\d+)\/(\d+) s:(\d+)x(\d+)/;

/** The frame that a line of ffmpeg's log tells of, else `null`. */
export const parseShownFrame = (line: string): ShownFrame | null => {
  const match = frame.exec(line);
  if (match === null) return null;
  const [, pts, sarWidth, sarHeight, width, height] = match;
  return {
    pts: pts === 'NOPTS' ? null : Number(pts),
    width: Number(width),
    height: Number(height),
    pixelAspectRatio: Number(sarWidth) / Number(sarHeight) || 1,
  };
};

/** The time base in seconds that `showinfo` logs before its first frame, else `null`. */
export const parseTimeBase = (line: string): number | null => {
  const match = /showinfo.* config in time_base: (\d+)\/(\d+)/.exec(line);
  return match === null ? null : Number(match[1]) / Number(match[2]);
};
