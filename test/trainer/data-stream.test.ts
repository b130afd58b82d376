import { describe, expect, it } from 'vitest';
import { Curriculum } from '../../src/dataset/curriculum.js';
import { dataOrder } from '../../src/dataset/order.js';
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
  curriculum = undefined as Curriculum | undefined,
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
    stream: new DataStream({
      samples: all,
      order: dataOrder({ seed: 3, count: all.length }),
      curriculum,
      position,
      prepare,
      group,
      log: (line) => log.push(line),
    }),
    log,
  };
}

const idsOf = async (stream: DataStream, count: number) =>
  (await stream.next({ count })).map(({ sample }) => sample.id);

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
    await resumed.next({ count: 3 });
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
    const taken = await stream.next({ count: 4 });
    expect(taken.map(({ sample, occurrence }) => [sample.id, occurrence])).toEqual([0, 1, 2, 3].map((n) => ['s0', n]));
  });

  it('stops where no video can be read', async () => {
    const { stream, log } = streamOf({ unreadable: ['v0.mp4', 'v1.mp4', 'v2.mp4'] });
    await expect(stream.next({ count: 1 })).rejects.toMatchObject({ code: 'DATA_NOTHING_READABLE' });
    expect(log).toHaveLength(3);
  });

  it('stops where each sample has a fault of its own', async () => {
    const { stream } = streamOf({ unreadable: ['v0.mp4', 'v2.mp4'], wordy: ['s1', 's4'] });
    await expect(stream.next({ count: 1 })).rejects.toThrow(
      /not one of the 6 .* \(too long \(2\), the video cannot be read \(\d\)\)/,
    );
  });

  it('stops for what is not a video’s fault', async () => {
    const prepare = () => Promise.reject(new SetupError({ code: 'FFMPEG_MISSING', message: 'There is no ffmpeg' }));
    const stream = new DataStream({
      samples,
      order: dataOrder({ seed: 3, count: COUNT }),
      position: 0,
      prepare,
      group: single,
      log: () => {},
    });
    await expect(stream.next({ count: 2 })).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
  });
});

describe('the streams of two processes', () => {
  const twoOf = (options: { unreadable?: string[] }[]) =>
    inMemoryGroup(2).map((group, rank) => streamOf({ ...options[rank], group }).stream);
  const nextOf = (streams: DataStream[], count: number) =>
    Promise.all(streams.map(async (stream) => (await stream.next({ count })).map(({ sample }) => sample.id)));

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
    const results = await Promise.allSettled(
      twoOf([{ unreadable }, { unreadable }]).map((stream) => stream.next({ count: 2 })),
    );
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'DATA_NOTHING_READABLE' } });
  });
});

describe('DataStream with a curriculum', () => {
  const options = { by: 'accuracy', min_success: 0.1, max_success: 0.9, again_after: 2, order: 'shuffled' as const };
  const opened = (more: Partial<ConstructorParameters<typeof Curriculum>[0]['options']> = {}) =>
    new Curriculum({ options: { ...options, ...more } });

  it('passes over what its groups always or never got right, for so many epochs', async () => {
    const curriculum = opened();
    const { stream } = streamOf({ curriculum });
    const first = await idsOf(stream, COUNT);
    for (const [i, id] of first.entries())
      curriculum.observe({ id, success: [0, 1, 0.5][i % 3]!, epoch: stream.epoch });
    const left = [first[2]!, first[5]!];
    // Epoch 1 holds these two alone; the six of epoch 2 are asked again.
    expect((await idsOf(stream, 2)).sort()).toEqual(left.toSorted());
    expect(stream.epoch).toBe(1);
    expect((await idsOf(stream, COUNT)).sort()).toEqual(first.toSorted());
    expect(stream.epoch).toBe(2);
  });

  it('draws all where it would pass over every one', async () => {
    const curriculum = opened();
    const { stream, log } = streamOf({ curriculum });
    for (const id of await idsOf(stream, COUNT)) curriculum.observe({ id, success: 1, epoch: 0 });
    expect(await idsOf(stream, 2)).toHaveLength(2);
    expect(log.some((line) => line.includes('passes over every sample'))).toBe(true);
  });

  it.each([
    ['easy_first', -1],
    ['hard_first', 1],
  ] as const)(
    '%s: the next epoch goes by what was known at its start, also where a run goes on in it',
    async (order, sign) => {
      const curriculum = opened({ order, min_success: -1, max_success: 2 });
      const { stream } = streamOf({ curriculum });
      const first = await idsOf(stream, COUNT);
      const of = (id: string) => first.indexOf(id) / 10;
      for (const id of first) curriculum.observe({ id, success: of(id), epoch: 0 });
      const begun = await idsOf(stream, 2);
      for (const id of begun) curriculum.observe({ id, success: 1 - of(id), epoch: 1 });
      const { position } = stream;
      const state = structuredClone(curriculum.state);
      const rest = await idsOf(stream, 4);
      const wanted = first.toSorted((a, b) => sign * (of(a) - of(b)));
      expect([...begun, ...rest]).toEqual(wanted);
      const resumed = streamOf({
        curriculum: new Curriculum({ options: { ...options, order, min_success: -1, max_success: 2 }, state }),
        position,
      });
      expect(await idsOf(resumed.stream, 4)).toEqual(rest);
    },
  );

  it('fills single places of a step, and counts a sample that comes again in it', async () => {
    const { stream } = streamOf();
    const seen = new Map<string, number>();
    const first = await stream.next({ count: 4, seen });
    const more = await stream.next({ count: 4, wanted: [1, 3], seen });
    const again = await stream.next({ count: 4, wanted: [0], seen });
    expect(more).toHaveLength(2);
    expect(new Set([...first, ...more].map(({ sample }) => sample.id)).size).toBe(COUNT);
    expect(again[0]!.occurrence).toBe(1);
  });
});
