/** What ffmpeg's log says of its own end. */
export interface FfmpegLog {
  /** A bound of the video's that it ran into. */
  exceeded: 'memory' | 'pixels' | null;
  /** A signal has stopped it, as it tells itself. */
  wasSignalled: boolean;
  /** Its first errors. */
  errors: string[];
}

/** Gathers it line by line. */
export const ffmpegLogReader = (): { line: (line: string) => void; log: FfmpegLog } => {
  const log: FfmpegLog = { exceeded: null, wasSignalled: false, errors: [] };
  const line = (line: string): void => {
    log.wasSignalled ||= /Exiting normally, received signal/.test(line);
    if (!/\[(error|fatal|panic)\]/.test(line)) return;
    if (log.errors.length < 20) log.errors.push(line);
    if (/exceeds specified max pixel count/.test(line)) log.exceeded = 'pixels';
    else if (/Cannot allocate memory|out of memory/i.test(line)) log.exceeded ??= 'memory';
  };
  return { line, log };
};

/** The first two different errors, without `[module @ 0x55…] [error]`. */
export const inShort = (errors: string[]): string =>
  [...new Set(errors.map((line) => line.replace(/\[[^\]]*\]\s*/g, '').trim()))].slice(0, 2).join('; ');
