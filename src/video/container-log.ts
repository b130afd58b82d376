/** What ffmpeg's log tells of a container when it opens and reads it. */
export interface ContainerLog {
  /** Seconds that its header says it lasts; `null` where it does not say. */
  announced: number | null;
  /** When the first of its streams begins, seconds on the container's clock: where players begin to count. */
  start: number | null;
  /** Degrees, counterclockwise, as the file asks for. */
  rotation: number | null;
  /** The data end before what the header or a packet's head says. */
  endsEarly: boolean;
}

const length = /^\[info\] {3}Duration: (?:(\d+):(\d+):([\d.]+)|N\/A)(?:, start: (-?[\d.]+))?/;

/** MP4: `stream 0, offset 0x30: partial file`; Matroska: `File ended prematurely`; AVI and others: `Truncating packet`. */
const early = /\] \[(?:error|warning)\] (?:.*: partial file|File ended prematurely|Truncating packet)/;

/** Gathers it line by line. */
export const containerLogReader = (): { line: (line: string) => void; log: ContainerLog } => {
  const log: ContainerLog = { announced: null, start: null, rotation: null, endsEarly: false };
  const line = (line: string): void => {
    const [opens, hours, minutes, seconds, start] = length.exec(line) ?? [];
    if (opens !== undefined && hours !== undefined)
      log.announced ??= Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    if (start !== undefined) log.start ??= Number(start);
    // The input's comes first; the output's, after turning, follows.
    const turn = /rotation of (-?[\d.]+) degrees/.exec(line)?.[1];
    if (turn !== undefined) log.rotation ??= Number(turn);
    log.endsEarly ||= early.test(line);
  };
  return { line, log };
};
