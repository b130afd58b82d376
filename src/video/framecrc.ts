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

/** Reads `framecrc` output line by line: `stream, dts, pts, duration, size, crc[, F=flags]`, flags left out for a plain key packet. */
export const framecrcReader = (): { line: (line: string) => void; list: PacketList } => {
  const list: PacketList = { codec: 'unknown', tick: Number.NaN, times: new PacketTimes(), endsBroken: false };
  const line = (line: string): void => {
    if (line.startsWith('#')) {
      const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? [];
      if (numerator !== undefined) list.tick = Number(numerator) / Number(denominator);
      list.codec = /^#codec_id 0: (\S+)/.exec(line)?.[1] ?? list.codec;
      return;
    }
    const fields = line.split(',').map((field) => field.trim());
    if (fields.length < 6) return;
    const flags = Number(fields.find((field) => field.startsWith('F='))?.slice(2) ?? keyFlag);
    if ((flags & discardFlag) !== 0) return;
    const [, , pts, duration] = fields;
    list.endsBroken = (flags & corruptFlag) !== 0;
    list.times.add({
      pts: pts === noPts ? null : Number(pts),
      duration: Number(duration),
      isKey: (flags & keyFlag) !== 0,
    });
  };
  return { line, list };
};
