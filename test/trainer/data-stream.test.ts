import { describe, expect, it } from 'vitest';
import type { Sample } from '../../src/dataset/sample.js';
import { single } from '../../src/parallel/single.js';
import type { Prompt } from '../../src/prompt/prompt.js';
import { SampleError, SetupError, VideoError } from '../../src/system/errors.js';
import { DataStream } from '../../src/trainer/data-stream.js';
import { inMemoryGroup } from '../parallel/in-memory.js';

const COUNT = 6;
const sampleOf = (id: string, file: string) => ({ id, visuals: [{ kind: 'video', file }] }) as Sample;
const samples = Array.from({ length: COUNT }, (_, i) => sampleOf(`s${i}`, `v${i % 3}.mp4`));

/** A stream whose videos `unreadable` cannot be read, and whose samples `wordy` are too long. */
function streamOf({
  position = 0,
  unreadable = [] as string[],
  wordy = [] as string[],
  all = samples,
  group = single,
} = {}) {
  const log: string[] = [];
  const prepare = async ({ id, visuals }: Sample): Promise<Prompt> => {
    const video = visuals[0]!.file;
    const bad = { code: 'VIDEO_UNREADABLE', message: `${video} is bad` };
    if (unreadable.includes(video))
      throw new SampleError({ ...bad, reason: 'the video cannot be read', file: video, cause: new VideoError(bad) });
    if (wordy.includes(id))
      throw new SampleError({ code: 'PROMPT_TOO_LONG', message: `${id} is too long`, reason: 'too long' });
    return {} as Prompt;
  };
  return {
    stream: new DataStream({ samples: all, seed: 3, position, prepare, group, log: (line) => log.push(line) }),
    log,
  };
}

const idsOf = async (stream: DataStream, count: number) => (await stream.next(count)).map(({ sample }) => sample.id);

describe('DataStream', () => {
  it('gives all samples once an epoch, and goes on from a position', async () => {
    const { stream } = streamOf();
    const first = await idsOf(stream, 2);
    const rest = [...(await idsOf(stream, 2)), ...(await idsOf(stream, 2))];
    expect(stream.epoch).toBe(0);
    expect([...first, ...rest].sort()).toEqual(samples.map(({ id }) => id));
    const next = await idsOf(stream, 4);
    expect({ epoch: stream.epoch, position: stream.position }).toEqual({ epoch: 1, position: 10 });

    const { stream: resumed } = streamOf({ position: 2 });
    expect(await idsOf(resumed, 4)).toEqual(rest);
    expect(await idsOf(resumed, 4)).toEqual(next);
  });

  it('passes over what cannot be read, reports a video once, and counts it', async () => {
    const { stream, log } = streamOf({ unreadable: ['v1.mp4'] });
    const ids = await idsOf(stream, 8);
    expect(ids.every((id) => id !== 's1' && id !== 's4')).toBe(true);
    expect(new Set(ids).size).toBe(4);
    expect(log).toEqual(['left out: v1.mp4 is bad']);
    expect(stream.leftOut()).toEqual([{ reason: 'the video cannot be read', count: 2 }]);
    // The same from a position in the middle: what is passed over counts.
    const { stream: resumed } = streamOf({ unreadable: ['v1.mp4'] });
    await resumed.next(3);
    const { stream: again } = streamOf({ unreadable: ['v1.mp4'], position: resumed.position });
    expect(await idsOf(again, 5)).toEqual(ids.slice(3));
  });

  it('passes over a sample that is at fault itself, and not over the others of its video', async () => {
    const { stream, log } = streamOf({ wordy: ['s1'] });
    const ids = await idsOf(stream, 10);
    expect([...new Set(ids)].sort()).toEqual(['s0', 's2', 's3', 's4', 's5']);
    expect(log).toEqual(['left out: s1 is too long']);
    expect(stream.leftOut()).toEqual([{ reason: 'too long', count: 1 }]);
  });

  it('goes on while there is one video that can be read, however many a step takes', async () => {
    const all = Array.from({ length: 50 }, (_, i) => sampleOf(`s${i}`, `v${i}.mp4`));
    const unreadable = all.slice(1).map(({ visuals }) => visuals[0]!.file);
    const { stream } = streamOf({ all, unreadable });
    const taken = await stream.next(4);
    expect(taken.map(({ sample, occurrence }) => [sample.id, occurrence])).toEqual([0, 1, 2, 3].map((n) => ['s0', n]));
  });

  it('stops where no video can be read', async () => {
    const { stream, log } = streamOf({ unreadable: ['v0.mp4', 'v1.mp4', 'v2.mp4'] });
    await expect(stream.next(1)).rejects.toMatchObject({ code: 'DATA_NOTHING_READABLE' });
    expect(log).toHaveLength(3);
  });

  it('stops where each sample has a fault of its own', async () => {
    const { stream } = streamOf({ unreadable: ['v0.mp4', 'v2.mp4'], wordy: ['s1', 's4'] });
    await expect(stream.next(1)).rejects.toThrow(
      /not one of the 6 .* \(too long \(2\), the video cannot be read \(\d\)\)/,
    );
  });

  it('stops for what is not a video’s fault', async () => {
    const prepare = () => Promise.reject(new SetupError({ code: 'FFMPEG_MISSING', message: 'There is no ffmpeg' }));
    const stream = new DataStream({ samples, seed: 3, position: 0, prepare, group: single, log: () => {} });
    await expect(stream.next(2)).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
  });
});

describe('the streams of two processes', () => {
  const twoOf = (options: { unreadable?: string[] }[]) =>
    inMemoryGroup(2).map((group, rank) => streamOf({ ...options[rank], group }).stream);
  const nextOf = (streams: DataStream[], count: number) =>
    Promise.all(streams.map(async (stream) => (await stream.next(count)).map(({ sample }) => sample.id)));

  it('share the steps of one between them', async () => {
    const streams = twoOf([{}, {}]);
    const { stream: whole } = streamOf();
    for (let step = 0; step < 4; step++) {
      const shares = await nextOf(streams, 4);
      expect(shares.map((share) => share.length)).toEqual([2, 2]);
      expect(shares.flat()).toEqual(await idsOf(whole, 4));
    }
  });

  it('stay at one place in the data when one of them cannot read a video', async () => {
    const streams = twoOf([{}, { unreadable: ['v1.mp4', 'v2.mp4'] }]);
    for (let step = 0; step < 6; step++) {
      const shares = await nextOf(streams, 2);
      expect(shares.map((share) => share.length)).toEqual([1, 1]);
      expect(['s0', 's3']).toContain(shares[1]![0]);
      expect(streams[0]!.position).toBe(streams[1]!.position);
    }
    expect(streams[0]!.position).toBeGreaterThan(12);
    expect(streams[0]!.leftOut()).toEqual([{ reason: 'the video cannot be read', count: expect.any(Number) }]);
  });

  it('stop alike where nothing is left', async () => {
    const unreadable = ['v0.mp4', 'v1.mp4', 'v2.mp4'];
    const results = await Promise.allSettled(twoOf([{ unreadable }, { unreadable }]).map((stream) => stream.next(2)));
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'DATA_NOTHING_READABLE' } });
  });
});
