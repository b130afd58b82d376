import { lineCutter } from './lines.js';
import { PacketTimes } from './packet-times.js';

/** What ffmpeg's `framecrc` format tells of one stream that is copied packet by packet. */
export interface PacketList {
  /** Name of the codec: `h264`. */
  codec: string;
  /** Seconds of a tick. */
  tick: number;
  /** Of the packets, without those that an edit list hides. */
  times: PacketTimes;
  /** The last packet is not whole. */
  endsBroken: boolean;
}

const noPts = '-9223372036854775808';
const keyFlag = 1;
const corruptFlag = 2;
const discardFlag = 4;

/**
 * Reads `framecrc` output as it comes, lines of `stream, dts, pts, duration, size, crc[, F=flags]` with the flags left out
 * for a plain key packet. `list` grows with it.
 */
export const framecrcReader = (): { chunk: (chunk: Buffer) => void; list: PacketList } => {
  const list: PacketList = { codec: 'unknown', tick: Number.NaN, times: new PacketTimes(), endsBroken: false };
  const line = (line: string): void => {
    if (line.startsWith('#')) {
      const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? [];
      if (numerator !== undefined) list.tick = Number(numerator) / Number(denominator);
      list.codec = /^#codec_id 0: (\S+)/.exec(line)?.[1] ?? list.codec;
      return;
    }
    // Of millions of lines: nothing is done twice.
    const fields = line.split(',');
    if (fields.length < 6) return;
    const flags = Number(/, F=(\w+)/.exec(line)?.[1] ?? keyFlag);
    if ((flags & discardFlag) !== 0) return;
    const [, dts, pts, duration] = fields;
    list.endsBroken = (flags & corruptFlag) !== 0;
    list.times.add({
      pts: pts!.endsWith(noPts) ? null : Number(pts),
      dts: Number(dts),
      duration: Number(duration),
      isKey: (flags & keyFlag) !== 0,
    });
  };
  return { chunk: lineCutter(line).chunk, list };
};
