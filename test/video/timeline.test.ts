import { describe, expect, it } from 'vitest';
import { framecrcReader } from '../../src/video/framecrc.js';
import { frameTimes, timelineDuration, timelineOfFrames } from '../../src/video/timeline.js';

// As ffmpeg writes it: B-frames out of order, an edit list that hides the first packet, side data, a corrupt packet.
const listing = `#extradata 0:       46, 0x3ff11032
#software: Lavf61.1.100
#tb 0: 1/90000
#media_type 0: video
#codec_id 0: h264
#dimensions 0: 320x240
0,     123000,     129000,     3000,     4987, 0xda471488, F=0x5
0,     126000,     132000,     3000,     4987, 0xda471488, S=1,        1, 0x00e000e0
0,     129000,     141000,     3000,     1954, 0x7312b197, F=0x0, S=1,        1, 0x00e000e0
0,     132000,     135000,     3000,     1002, 0x5125ec2b, F=0x0
0,     135000,     138000,     3000,      820, 0x97e68f94, F=0x2
`;

const read = (text: string) => {
  const { chunk, list } = framecrcReader();
  chunk(Buffer.from(text));
  return { ...list, timeline: list.times.timeline(list.tick) };
};

describe('framecrcReader', () => {
  it('gives the frames that are shown, in order', () => {
    const { codec, timeline: found, endsBroken } = read(listing);
    expect(codec).toBe('h264');
    expect(endsBroken).toBe(true);
    const timeline = found!;
    expect(timeline).toEqual({
      tick: 1 / 90000,
      pts: [132000, 135000, 138000, 141000],
      end: 144000,
      keys: [132000],
      seeks: [132000],
    });
    expect(frameTimes(timeline).map((time) => time.toFixed(4))).toEqual(['0.0000', '0.0333', '0.0667', '0.1000']);
    expect(timelineDuration(timeline)).toBeCloseTo(4 / 30, 9);
  });

  it('tells ffmpeg to start where a key frame is found by its decoding time', () => {
    // The second key frame is decoded 2000 ticks before it is shown, the first 6000: MP4 is searched by the latter.
    const varied = `#tb 0: 1/90000
0,      -6000,          0,     3000,      801, 0x32f410e8
0,      -3000,       3000,     3000,       19, 0x2bb604c4, F=0x0
0,       8000,      10000,     3000,      801, 0x32f410e8
0,      20000,      30000,     3000,       19, 0x2bb604c4, F=0x0
`;
    expect(read(varied).timeline).toMatchObject({ keys: [0, 10000], seeks: [0, 14000] });
  });

  it('gives up where a time is missing or comes twice', () => {
    const unknown = listing.replace('141000', '-9223372036854775808');
    expect(read(unknown).timeline).toBeNull();
    expect(read(listing.replace('141000', '135000')).timeline).toBeNull();
    expect(read('#tb 0: 1/25\n').timeline).toBeNull();
  });
});

describe('timelineOfFrames', () => {
  it('lets the last frame last as long as the others on average', () => {
    expect(timelineOfFrames({ tick: 0.1, pts: [4, 6, 6, 9] })).toEqual({
      tick: 0.1,
      pts: [4, 6, 9],
      end: 11.5,
      keys: [],
      seeks: [],
    });
    expect(timelineOfFrames({ tick: 0.1, pts: [7] }).end).toBe(8);
  });
});
