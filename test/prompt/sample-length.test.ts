import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Sample, Segment } from '../../src/dataset/sample.js';
import type { VideoPart } from '../../src/dataset/visual.js';
import { openProcessor } from '../../src/policy/families/named.js';
import { promptMaker, sampleChecker } from '../../src/prompt/sample-prompt.js';
import { clipFolder, ffmpeg } from '../video/clips.js';
import { PROCESSOR_FOLDER, processorConfig } from './fixtures.js';

const processor = await openProcessor({ folder: PROCESSOR_FOLDER, config: await processorConfig() });
const folder = await clipFolder();
const whole = join(folder, 'whole.mp4');
const cut = join(folder, 'cut.mp4');

beforeAll(async () => {
  const source = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=4', '-pix_fmt', 'yuv420p'];
  await ffmpeg([...source, '-movflags', '+faststart', whole]);
  await ffmpeg(['-i', whole, '-c', 'copy', '-movflags', '+faststart', cut]);
  await truncate(cut, Math.floor((await stat(cut)).size * 0.6));
});

const span = (start: number, end: number): Segment => ({ kind: 'interval', start, end });
const sample = (file: string, segment: Segment, part?: VideoPart): Sample => ({
  id: 'a.jsonl:1:tag',
  task: 'tag',
  visuals: [{ kind: 'video', file, part }],
  segment,
});

/** What becomes of a sample when it is shown, and when it is only looked at. */
async function outcomes(one: Sample, past_the_end: 'leave_out' | 'tell' = 'leave_out') {
  const told: string[] = [];
  const settings = {
    prompt: 'direct' as const,
    video: { fps: 1, max_frames: 2, min_pixels: 784, max_pixels: 7056 },
    image: { min_pixels: 784, max_pixels: 7056 },
    max_prompt_length: 2000,
    past_the_end,
  };
  const options = { processor, settings, warn: (message: string) => void told.push(message) };
  const code = (work: Promise<unknown>) =>
    work.then(
      () => 'used',
      (error) => error.code,
    );
  return { shown: await code(promptMaker(options)(one)), looked: await code(sampleChecker(options)(one)), told };
}

describe('in training, evaluation and plan alike', () => {
  test.each([
    ['a segment within the video', () => sample(whole, span(1, 4)), 'used'],
    ['one that passes its end by a frame', () => sample(whole, span(1, 4.1)), 'used'],
    ['one that passes it by more', () => sample(whole, span(1, 4.2)), 'SEGMENT_PAST_END'],
    ['one that is not there any more', () => sample(cut, span(3, 4)), 'SEGMENT_PAST_END'],
    ['one that is still there', () => sample(cut, span(0, 1)), 'used'],
    ['a segment within a part', () => sample(whole, span(0, 2), { start: 2 }), 'used'],
    ['one that passes its end', () => sample(whole, span(0, 2), { start: 1, end: 2 }), 'SEGMENT_PAST_END'],
    ['a part after the end', () => sample(whole, span(0, 2), { start: 4 }), 'VIDEO_PART_EMPTY'],
    ['a video that is none', () => sample(join(folder, 'gone.mp4'), span(0, 1)), 'VIDEO_NOT_FOUND'],
  ])('%s', async (_, one, code) => {
    expect(await outcomes(one())).toMatchObject({ shown: code, looked: code });
  });
});

test('asked to, it only tells', async () => {
  const { shown, looked, told } = await outcomes(sample(whole, span(1, 30)), 'tell');
  expect([shown, looked]).toEqual(['used', 'used']);
  const sentence = `a.jsonl:1:tag: its segment [1, 30] ends after the video (${whole}), of which 4 s are there: are its times frame numbers? at 10 frames a second they are [0.1, 3] s`;
  expect(told).toEqual([sentence, sentence]);
});
