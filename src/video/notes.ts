import type { ContainerLog } from './container-log.js';
import { framecrcReader } from './framecrc.js';
import { inputArgs, type VideoInput } from './input.js';
import { isCutRiff } from './riff.js';
import { runFfmpeg } from './run-ffmpeg.js';
import { type Timeline, timelineDuration } from './timeline.js';

/** Sound that begins this much before the picture, in seconds, shifts times enough to be told. */
const AUDIBLE_LEAD = 0.1;

/** Seconds that must be missing of what a header announces before a file is taken to be cut off. */
const MISSING = 0.5;

/** What people should know of a video file. */
export interface VideoNotes {
  /** A part of it is not there: it is cut off, or cannot be decoded. */
  incomplete: boolean;
  /** A sentence each: that it is cut off, that players count its time otherwise. */
  warnings: string[];
}

/** @param endsBroken its last packet is not whole. */
export const notesOf = async ({
  file,
  timeline,
  log: { announced, start, endsEarly },
  endsBroken,
  ...input
}: VideoInput & { timeline: Timeline; log: ContainerLog; endsBroken: boolean }): Promise<VideoNotes> => {
  const warnings: string[] = [];
  const duration = timelineDuration(timeline);
  const begin = timeline.pts[0]! * timeline.tick;
  // What a header announces begins with the first stream, and sound may outlast the picture.
  const end = begin - (start ?? begin) + duration;
  const missing = announced === null ? 0 : announced - end;
  const incomplete =
    endsEarly ||
    endsBroken ||
    (missing > MISSING && announced! - (await soundEnd({ ...input, file, start: start ?? 0 })) > MISSING) ||
    (await isCutRiff(file));
  if (incomplete) {
    const promised = missing > 0.05 ? `its header tells ${seconds(announced!)}, ` : '';
    warnings.push(`${file} is cut off: ${promised}${seconds(duration)} are there; fetch it anew.`);
  }
  const lead = start === null ? 0 : begin - start;
  if (lead >= AUDIBLE_LEAD) {
    const shift = `players count from there, so a time read off a player is ${seconds(lead)} more than here`;
    warnings.push(`${file}: its sound begins ${seconds(lead)} before its picture; ${shift}.`);
  }
  return { incomplete, warnings };
};

/** When the first stream of sound ends, in seconds from `start`; 0 where there is none. */
const soundEnd = async ({ start, ...input }: VideoInput & { start: number }): Promise<number> => {
  let packets = framecrcReader();
  await runFfmpeg(() => {
    packets = framecrcReader();
    const args = [...inputArgs(input), '-map', '0:a:0', '-c', 'copy', '-f', 'framecrc', 'pipe:1'];
    return { args, onOutput: packets.chunk, budget: input.budget, signal: input.signal };
  });
  const { list } = packets;
  const timeline = list.times.timeline(list.tick);
  return timeline === null ? 0 : timeline.end * timeline.tick - start;
};

const seconds = (value: number): string => `${Number(value.toFixed(2))} s`;
