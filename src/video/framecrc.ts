import type { Packet } from './timeline.js';

/** What ffmpeg's `framecrc` format writes of one stream that is copied packet by packet. */
export interface PacketList {
  /** Name of the codec: `h264`. */
  codec: string;
  /** Seconds of a tick. */
  tick: number;
  /** In decoding order, without those that an edit list hides. */
  packets: Packet[];
}

const noPts = '-9223372036854775808';
const keyFlag = 1;
const discardFlag = 4;

/** Reads `framecrc` output: `stream, dts, pts, duration, size, crc[, F=flags]`, flags left out for a plain key packet. */
export const parseFramecrc = (text: string): PacketList => {
  const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/m.exec(text) ?? [];
  const packets: Packet[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(',').map((field) => field.trim());
    if (line.startsWith('#') || fields.length < 6) continue;
    const flags = Number(fields.find((field) => field.startsWith('F='))?.slice(2) ?? keyFlag);
    if ((flags & discardFlag) !== 0) continue;
    const [, , pts, duration] = fields;
    packets.push({
      pts: pts === noPts ? null : Number(pts),
      duration: Number(duration),
      isKey: (flags & keyFlag) !== 0,
    });
  }
  return {
    codec: /^#codec_id 0: (\S+)/m.exec(text)?.[1] ?? 'unknown',
    tick: Number(numerator) / Number(denominator),
    packets,
  };
};
