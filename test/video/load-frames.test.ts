import { copyFile, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBudget } from '../../src/video/bounds.js';
import { decodeFrames } from '../../src/video/decode.js';
import type { FrameCache } from '../../src/video/frame-cache.js';
import type { Frames, VideoSettings } from '../../src/video/frames.js';
import { loadFrames, videoKey } from '../../src/video/load-frames.js';
import { probeVideo } from '../../src/video/probe.js';
import { planStretches } from '../../src/video/stretches.js';
import { clipFolder, ffmpeg, numbered, numbersShown } from './clips.js';

const folder = await clipFolder();
const settings: VideoSettings = { fps: 2, max_frames: 16, min_pixels: 12544, max_pixels: 100352 };
const load = (name: string, changes: Partial<VideoSettings> = {}): Promise<Frames> =>
  loadFrames({ file: join(folder, name), settings: { ...settings, ...changes }, factor: 28 });
const inFolder = (name: string): string => join(folder, name);

/** Makes `name` of frames that show their number. */
const make = async (
  name: string,
  source: Parameters<typeof numbered>[0],
  encoder: string[] = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '3', '-g', '25'],
): Promise<void> => ffmpeg([...numbered(source), '-qscale:v', '4', ...encoder, inFolder(name)]);

/** ⌊i·total/count⌋: what is chosen of a constant rate. */
const even = ({ total, count }: { total: number; count: number }): number[] =>
  Array.from({ length: count }, (_, i) => Math.floor((i * total) / count));

beforeAll(() => make('plain.mp4', { frames: 90 }));

describe('loadFrames', () => {
  it('gives exactly the frames of the chosen times, B-frames and all', async () => {
    const frames = await load('plain.mp4');
    expect(frames).toMatchObject({ count: 6, height: 252, width: 308, duration: 3 });
    expect(frames.data.length).toBe(6 * 252 * 308 * 3);
    expect(numbersShown(frames)).toEqual([0, 15, 30, 45, 60, 75]);
    expect(frames.times.map((time) => time.toFixed(6))).toEqual(
      [0, 0.5, 1, 1.5, 2, 2.5].map((time) => time.toFixed(6)),
    );
  });

  it('bounds the count by max_frames, and takes every frame when asked to', async () => {
    expect(numbersShown(await load('plain.mp4', { max_frames: 5 }))).toEqual([0, 22, 45, 67]);
    const all = await load('plain.mp4', { fps: 30, max_frames: 768 });
    expect(numbersShown(all)).toEqual(even({ total: 90, count: 90 }));
  });

  it.each([
    ['mkv', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '3']],
    ['webm', ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-pix_fmt', 'yuv420p']],
    ['avi', ['-c:v', 'mpeg4', '-bf', '2', '-pix_fmt', 'yuv420p']],
    ['ts', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '3']],
    ['flv', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p']],
    ['mpg', ['-c:v', 'mpeg2video', '-bf', '2', '-pix_fmt', 'yuv420p']],
  ])('reads .%s', async (extension, encoder) => {
    await make(`other.${extension}`, { frames: 60 }, encoder);
    const frames = await load(`other.${extension}`);
    const shown = numbersShown(frames);
    expect(frames.count).toBe(4);
    // AVI with B-frames stores no times: ffmpeg's guess of the duration may be a frame short.
    const slack = extension === 'avi' ? 1 : 0;
    for (const [i, number] of shown.entries()) expect(Math.abs(number - i * 15)).toBeLessThanOrEqual(slack);
    expect(frames.duration).toBeCloseTo(2, 1);
  });

  it('reads odd sizes, clips shorter than a second, and a single frame', async () => {
    const exact = ['-c:v', 'libx264', '-pix_fmt', 'yuv444p'];
    await make('odd.mp4', { frames: 9, size: '101x77' }, exact);
    const odd = await load('odd.mp4');
    expect(odd).toMatchObject({ count: 4, height: 112, width: 140 });
    expect(odd.duration).toBeCloseTo(0.3, 9);
    expect(numbersShown(odd)).toEqual([0, 2, 4, 6]);
    await make('one.mp4', { frames: 1 });
    expect(await load('one.mp4')).toMatchObject({ count: 1, times: [0] });
  });

  it('turns frames as the file says', async () => {
    for (const [degrees, turned] of [
      [90, 'bottom'],
      [-90, 'top'],
    ] as const) {
      await ffmpeg([
        '-display_rotation',
        String(degrees),
        '-i',
        inFolder('plain.mp4'),
        '-c',
        'copy',
        inFolder('turned.mp4'),
      ]);
      expect(await probeVideo({ file: inFolder('turned.mp4') })).toMatchObject({
        width: 240,
        height: 320,
        rotation: degrees,
      });
      const frames = await load('turned.mp4');
      expect(frames).toMatchObject({ height: 308, width: 252 });
      expect(numbersShown(frames, { turned })).toEqual([0, 15, 30, 45, 60, 75]);
    }
  });

  it('goes by true time when the rate varies', async () => {
    // 30 frames in the first second, then one frame every half a second.
    const times = `setpts='if(lt(N,30),N/30,1+(N-30)/2)/TB'`;
    const encoder = ['-fps_mode', 'passthrough', '-enc_time_base', '1/90000', '-c:v', 'libx264', '-pix_fmt', 'yuv420p'];
    await ffmpeg([...numbered({ frames: 38 }), '-vf', times, ...encoder, inFolder('varied.mp4')]);
    const frames = await load('varied.mp4', { fps: 4, max_frames: 64 });
    expect(frames.times[4]).toBeCloseTo(1, 3);
    const due = frames.times.map((_, i) => (i * frames.duration) / frames.count);
    const expected = due.map((time) =>
      time < 1 ? Math.floor(time * 30 + 1e-6) : 30 + Math.floor((time - 1) * 2 + 1e-6),
    );
    expect(numbersShown(frames)).toEqual(expected);
    expect(frames.times).toEqual(expected.map((n) => expect.closeTo(n < 30 ? n / 30 : 1 + (n - 30) / 2, 4)));
  });

  it('takes the first of frames that share a time', async () => {
    const pairs = [
      '-vf',
      `setpts='floor(N/2)/15/TB'`,
      '-fps_mode',
      'passthrough',
      '-c:v',
      'rawvideo',
      '-pix_fmt',
      'gray',
    ];
    await ffmpeg([...numbered({ frames: 60 }), ...pairs, inFolder('pairs.mkv')]);
    const frames = await load('pairs.mkv');
    expect(numbersShown(frames)).toEqual([0, 14, 30, 44]);
    expect(frames.times).toEqual([0, 7, 15, 22].map((n) => expect.closeTo(n / 15, 3)));
  });

  it('counts time from the first frame that an edit list shows', async () => {
    await ffmpeg(['-ss', '0.5', '-i', inFolder('plain.mp4'), '-c', 'copy', inFolder('trimmed.mp4')]);
    const frames = await load('trimmed.mp4');
    expect(numbersShown(frames)).toEqual([15, 33, 52, 71]);
    expect(frames.times[0]).toBe(0);
    expect(frames.duration).toBeCloseTo(2.5, 6);
  });

  it('takes the first video stream among several', async () => {
    const other = ['-f', 'lavfi', '-i', 'color=white:s=640x480:d=1', '-f', 'lavfi', '-i', 'anullsrc=d=1'];
    const maps = ['-map', '2:a', '-map', '0:v', '-map', '1:v', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
    await ffmpeg(['-i', inFolder('plain.mp4'), ...other, ...maps, '-t', '3', inFolder('several.mkv')]);
    expect(numbersShown(await load('several.mkv'))).toEqual([0, 15, 30, 45, 60, 75]);
  });

  it('goes on when the size changes halfway', async () => {
    const encoder = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '0'];
    await make('big.ts', { frames: 30 }, encoder);
    await make('small.ts', { frames: 30, size: '160x120' }, ['-output_ts_offset', '2', ...encoder]);
    const parts = await Promise.all(['big.ts', 'small.ts'].map((name) => readFile(inFolder(name))));
    await writeFile(inFolder('changing.ts'), Buffer.concat(parts));
    const frames = await load('changing.ts');
    expect(frames).toMatchObject({ count: 6, height: 252, width: 308 });
    // The second part begins two seconds in.
    const shown = frames.times.map((time) => Math.round((time < 2 ? time : time - 2) * 30));
    expect(numbersShown(frames)).toEqual(shown);
    expect(frames.times.at(-1)).toBeGreaterThan(2);
  });

  it('skips ahead to far frames, and gets the same pixels as without', async () => {
    const open = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '3', '-g', '20', '-x264opts', 'open-gop=1'];
    await make('long.mkv', { frames: 900, size: '160x120' }, open);
    const info = await probeVideo({ file: inFolder('long.mkv') });
    const wanted = [7, 333, 334, 500, 899].map((index) => info.timeline.pts[index]!);
    expect(planStretches({ timeline: info.timeline, wanted })).toHaveLength(4);
    const request = { file: inFolder('long.mkv'), budget: openBudget(), wanted, size: { height: 84, width: 112 } };
    const skipping = await decodeFrames({ ...request, timeline: info.timeline });
    const straight = await decodeFrames({ ...request, timeline: { ...info.timeline, keys: [], seeks: [] } });
    expect(skipping).toEqual(straight);
    const frames = {
      data: skipping!,
      count: 5,
      height: 84,
      width: 112,
      times: [],
      duration: 30,
      incomplete: false,
      warnings: [],
    };
    expect(numbersShown(frames)).toEqual([7, 333, 334, 500, 899]);
  });

  it('yields what is there of a file that is cut off at its end', async () => {
    await ffmpeg(['-i', inFolder('plain.mp4'), '-c', 'copy', '-movflags', '+faststart', inFolder('cut.mp4')]);
    await truncate(inFolder('cut.mp4'), Math.floor((await stat(inFolder('cut.mp4'))).size * 0.6));
    const frames = await load('cut.mp4');
    expect(frames.duration).toBeGreaterThan(1);
    expect(frames.duration).toBeLessThan(2.7);
    expect(numbersShown(frames).slice(0, -1)).toEqual(frames.times.slice(0, -1).map((time) => Math.round(time * 30)));
    const told = `${inFolder('cut.mp4')} is cut off: its header tells 3 s, `;
    expect(frames.incomplete).toBe(true);
    expect(frames.warnings[0]).toContain(told);
  });

  it('tells what cannot be decoded of a file that was not fetched to its end, as large as it was to be', async () => {
    await ffmpeg(['-i', inFolder('plain.mp4'), '-c', 'copy', '-movflags', '+faststart', inFolder('holed.mp4')]);
    const { size } = await stat(inFolder('holed.mp4'));
    await truncate(inFolder('holed.mp4'), Math.floor(size * 0.4));
    await truncate(inFolder('holed.mp4'), size);
    const frames = await load('holed.mp4', { fps: 30, max_frames: 90 });
    expect(frames.duration).toBeLessThan(2);
    expect(frames.incomplete).toBe(true);
    expect(frames.warnings.join()).toMatch(/holed\.mp4 is damaged: \d\.\d s of its 3\.0 s cannot be decoded/);
  });

  it('goes by the frames that can be decoded', async () => {
    const encoder = [
      '-c:v',
      'libvpx-vp9',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
      '-g',
      '25',
      '-pix_fmt',
      'yuv420p',
    ];
    await make('whole.mkv', { frames: 90 }, encoder);
    const damage = (filter: string) =>
      ffmpeg(['-i', inFolder('whole.mkv'), '-c', 'copy', '-bsf:v', filter, inFolder('bad.mkv')]);
    await damage('noise=drop=lt(n\\,15)');
    // The first key frame has gone; the next is 25.
    const headless = await load('bad.mkv');
    expect(numbersShown(headless)).toEqual(headless.times.map((time) => 25 + Math.round(time * 30)));
    await damage('noise=amount=between(n\\,40\\,49)');
    expect((await probeVideo({ file: inFolder('bad.mkv') })).timeline.pts.length).toBeGreaterThan(87);
    const holed = await load('bad.mkv', { fps: 30, max_frames: 90 });
    expect(holed.count).toBeLessThan(87);
    // What is left of the damaged ones may show anything; key frame 50 mends it.
    const places = holed.times.map((time) => Math.round(time * 30));
    const isGood = (_: number, i: number): boolean => places[i]! < 40 || places[i]! >= 50;
    expect(numbersShown(holed).filter(isGood)).toEqual(places.filter(isGood));
  });

  it('asks the cache first, and tells it afterwards', async () => {
    const kept = new Map<string, Frames>();
    const cache: FrameCache = {
      get: async (key) => kept.get(key) ?? null,
      put: async (key, frames) => void kept.set(key, frames),
    };
    const request = { file: inFolder('plain.mp4'), settings, factor: 28, cache };
    const first = await loadFrames(request);
    expect([...kept.keys()]).toEqual([await videoKey(request)]);
    expect(await loadFrames(request)).toBe(first);
  });
});

describe('videoKey', () => {
  it('changes with the settings, the factor and the file', async () => {
    const file = inFolder('copy.mp4');
    await copyFile(inFolder('plain.mp4'), file);
    const key = () => videoKey({ file, settings, factor: 28 });
    const before = await key();
    expect(await key()).toBe(before);
    expect(await videoKey({ file, settings: { ...settings, fps: 1 }, factor: 28 })).not.toBe(before);
    expect(await videoKey({ file, settings, factor: 32 })).not.toBe(before);
    await utimes(file, new Date(), new Date(1e9));
    expect(await key()).not.toBe(before);
  });
});

describe('what is no video', () => {
  const code = async (name: string, content: string | Buffer): Promise<unknown> => {
    await writeFile(inFolder(name), content);
    return load(name).then(
      () => 'loaded',
      (error: { code: string; message: string }) => {
        expect(error.message).toContain(inFolder(name));
        return error.code;
      },
    );
  };

  it('is refused with a code that says why', async () => {
    expect(await code('empty.mp4', '')).toBe('VIDEO_EMPTY');
    expect(await code('text.mp4', 'not a video at all\n'.repeat(100))).toBe('VIDEO_UNREADABLE');
    const whole = await readFile(inFolder('plain.mp4'));
    expect(await code('headless.mp4', whole.subarray(0, whole.length / 2))).toBe('VIDEO_UNREADABLE');
    await expect(load('missing.mp4')).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
    await expect(load('.')).rejects.toMatchObject({ code: 'VIDEO_NOT_A_FILE' });
    await ffmpeg(['-f', 'lavfi', '-i', 'sine=d=1', inFolder('sound.mp4')]);
    await expect(load('sound.mp4')).rejects.toMatchObject({ code: 'VIDEO_NO_STREAM' });
    await ffmpeg(['-f', 'lavfi', '-i', 'color=s=1200x4:d=0.1', '-pix_fmt', 'yuv420p', inFolder('ribbon.mp4')]);
    await expect(load('ribbon.mp4')).rejects.toMatchObject({ code: 'VIDEO_ASPECT_RATIO' });
  });

  it('is not followed elsewhere', async () => {
    const playlist = `#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n${inFolder('plain.mp4')}\n#EXT-X-ENDLIST\n`;
    expect(await code('list.m3u8', playlist)).toBe('VIDEO_UNREADABLE');
    expect(await code('list.mp4', playlist)).toBe('VIDEO_UNREADABLE');
    expect(await code('concat.mp4', `ffconcat version 1.0\nfile plain.mp4\n`)).toBe('VIDEO_UNREADABLE');
  });

  it('does not include odd names', async () => {
    for (const name of ['-i.mp4', 'http:x.mp4', "a 'b' %d,[c].mp4"]) {
      await copyFile(inFolder('plain.mp4'), inFolder(name));
      expect((await load(name)).count).toBe(6);
    }
  });
});
