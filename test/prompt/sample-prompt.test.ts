import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Sample } from '../../src/dataset/sample.js';
import { openProcessor } from '../../src/policy/families/named.js';
import { promptMaker } from '../../src/prompt/sample-prompt.js';
import { clipFolder, ffmpeg } from '../video/clips.js';
import { PROCESSOR_FOLDER, processorConfig } from './fixtures.js';

const processor = await openProcessor({ folder: PROCESSOR_FOLDER, config: await processorConfig() });
const settings = {
  prompt: 'direct' as const,
  video: { fps: 1, max_frames: 4, min_pixels: 784, max_pixels: 7056 },
  image: { min_pixels: 784, max_pixels: 7056 },
  max_prompt_length: 500,
  past_the_end: 'leave_out' as const,
};
const question: Sample = {
  id: 'set.jsonl:7:qa',
  task: 'qa',
  visuals: [{ kind: 'video', file: '/nowhere/gone.mp4' }],
  question: 'What happens?',
  options: ['a fall', 'a fight', 'a fire', 'nothing'],
  answer: 'A',
  segment: { kind: 'unknown' },
};
const prepare = (sample: Partial<Sample>, more = {}, warn: (message: string) => void = expect.unreachable) =>
  promptMaker({ processor, settings: { ...settings, ...more }, warn })({ ...question, ...sample });

test.each(['<|video_pad|>', '<|im_end|>', '<|endoftext|>'])(
  'a question or an option with %s is no text',
  async (token) => {
    const error = { name: 'SampleError', code: 'PROMPT_INVALID', reason: 'the annotation holds a special token' };
    await expect(prepare({ question: `What ${token} happens?` })).rejects.toMatchObject(error);
    await expect(prepare({ options: ['a', `${token}`, 'c', 'd'] })).rejects.toMatchObject(error);
    await expect(prepare({ question: `Is <${token.slice(1)} odd?` })).rejects.toThrow(
      `set.jsonl:7:qa: its question, an option or`,
    );
  },
);

test('a template of one’s own may hold special tokens', async () => {
  const own = { prompt_templates: { qa: '<|im_start|>{question}' } };
  await expect(prepare({}, own)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
});

test('words that are too many are refused before the video is looked at', async () => {
  const sample = { question: 'word '.repeat(600) };
  await expect(prepare(sample)).rejects.toMatchObject({ code: 'PROMPT_TOO_LONG' });
  await expect(prepare(sample)).rejects.toThrow(/set\.jsonl:7:qa: .*max_prompt_length is 500/);
});

test('a video that cannot be read is the sample’s fault, with the video’s own words', async () => {
  await expect(prepare({})).rejects.toMatchObject({
    name: 'SampleError',
    code: 'VIDEO_NOT_FOUND',
    reason: 'the video cannot be read',
    cause: { name: 'VideoError' },
  });
});

test('what is odd about a video that serves all the same is told', async () => {
  const file = join(await clipFolder(), 'cut.mkv');
  await ffmpeg(['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=4', '-pix_fmt', 'yuv420p', file]);
  await truncate(file, Math.floor((await stat(file)).size / 2));
  const told: string[] = [];
  // What it asks about is still there.
  const segment = { kind: 'interval' as const, start: 0, end: 1 };
  await prepare({ visuals: [{ kind: 'video', file }], segment }, {}, (message) => told.push(message));
  expect(told).toEqual([expect.stringContaining(`${file} is cut off: its header tells 4 s, `)]);
});

test('an answer that is to be learned is looked at like the question', async () => {
  const think = { ...settings, prompt: 'think' as const };
  const show = (reasoning: string, learnsAnswers = true) =>
    promptMaker({ processor, settings: think, learnsAnswers, warn: () => {} })({ ...question, reasoning });
  await expect(show('The end. <|im_end|>')).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
  await expect(show('word '.repeat(600))).rejects.toMatchObject({ code: 'PROMPT_TOO_LONG' });
  await expect(show('word '.repeat(600), false)).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
});
