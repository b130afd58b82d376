import { z } from 'zod';
import { LIMITS } from './limits.js';
import { count, factor, path } from './numbers.js';
import { TASK_NAMES } from './task-names.js';
import { textOf } from './words-file.js';

export const taskSchema = z.enum(TASK_NAMES);

const sourceWeight = factor()
  .positive()
  .optional()
  .describe('data.train: how much of what is drawn comes from it, relative to the others. Left out: by its size.');

const rows = <Name extends string>(name: Name, annotations: string) =>
  z.strictObject({
    source: z.literal(name),
    annotations: path().describe(annotations),
    videos: path().describe('The folder that the video paths of the annotations start from.'),
    task: taskSchema.optional().describe('Take only this task; lines that name none are taken as it.'),
    weight: sourceWeight,
  });

const source = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('vau-bench'),
    annotations: path().describe('A CSV file of VAU-Bench.'),
    videos: path().describe('The folder that the video paths of the annotations start from.'),
    task: taskSchema.describe('The question asked of each video.'),
    weight: sourceWeight,
  }),
  rows('jsonl', 'A file with one JSON object a line.'),
  rows('parquet', 'A parquet file with the columns of VAU-Bench, or the fields of jsonl.'),
  rows('hivau', 'A JSON file of HIVAU-70k’s raw annotations.'),
  rows('vad-reasoning', 'A JSON-lines file of Vad-Reasoning (Vad-R1).'),
]);

/** What one video may cost: frames of 8192 × 4320 (8K), and what decoding those takes. */
export const VIDEO_BOUNDS = {
  max_source_pixels: 35_389_440,
  max_decode_memory_mib: 2048,
  max_decode_seconds: 600,
} as const;

const video = z.strictObject({
  fps: z.number().positive().max(LIMITS.fps).default(1).describe('Frames a second to sample.'),
  max_frames: count(LIMITS.max_frames).default(16).describe('At most this many frames a video, spread over all of it.'),
  min_pixels: count(LIMITS.pixels).default(12544).describe('Smaller frames are enlarged to this height · width.'),
  max_pixels: count(LIMITS.pixels).default(100352).describe('Larger frames are shrunk to this height · width.'),
  max_source_pixels: count()
    .default(VIDEO_BOUNDS.max_source_pixels)
    .describe('A video whose own frames have a larger height · width is left out.'),
  max_decode_memory_mib: count()
    .default(VIDEO_BOUNDS.max_decode_memory_mib)
    .describe('A video that takes ffmpeg more memory (MiB of address space, a process) is left out.'),
  max_decode_seconds: z
    .number()
    .positive()
    .default(VIDEO_BOUNDS.max_decode_seconds)
    .describe('A video that takes ffmpeg longer, all its processes together, is left out.'),
});

const image = z.strictObject({
  min_pixels: count(LIMITS.pixels).default(3136).describe('Smaller pictures are enlarged to this height · width.'),
  max_pixels: count(LIMITS.pixels).default(1_003_520).describe('Larger pictures are shrunk to this height · width.'),
  max_source_pixels: count()
    .default(VIDEO_BOUNDS.max_source_pixels)
    .describe('A picture whose own height · width is larger is left out.'),
});

/** Text, or a file that holds it: its words are what the resolved config has. */
const words = () => z.union([z.string().min(1), z.strictObject({ file: path() })]).transform(textOf);

const success = () => z.number().min(-LIMITS.factor).max(LIMITS.factor);

const curriculum = z.strictObject({
  by: z.string().min(1).default('accuracy').describe('The reward whose mean over a group is its success.'),
  min_success: success().default(0).describe('A sample whose last group had less is passed over.'),
  max_success: success().default(1).describe('The same of one that had more.'),
  again_after: count().default(3).describe('Epochs after which a sample that is passed over comes again.'),
  order: z
    .enum(['shuffled', 'easy_first', 'hard_first'])
    .default('shuffled')
    .describe('Of an epoch, by success so far.'),
});

export const data = z.strictObject({
  train: z.array(source).default([]).describe('What to train on; several sources are put together.'),
  eval: z.array(source).default([]).describe('Held-out samples for evaluation.'),
  prompt: z.enum(['think', 'direct']).default('think').describe('think: ask for <think>…</think> before the answer.'),
  system_prompt: words().optional().describe('A system message before the question. Left out: none.'),
  prompt_templates: z
    .partialRecord(taskSchema, words())
    .optional()
    .describe('Your own words for a task, in place of the built-in prompt; {file: path}: those of a file.'),
  shuffle_options: z
    .boolean()
    .default(false)
    .describe('qa, in training: another order of the options each epoch; the answer follows.'),
  curriculum: curriculum
    .optional()
    .describe('Choose samples by how well the policy’s own groups did on them (GRPO). Left out: all, shuffled.'),
  classes: z
    .array(z.string().min(1))
    .min(2)
    .optional()
    .describe('The labels of the cls task. Left out: VAU-Bench’s 20.'),
  video: video.prefault({}).describe('How frames are chosen and sized.'),
  image: image.prefault({}).describe('How pictures are sized.'),
  past_the_end: z
    .enum(['leave_out', 'tell'])
    .default('leave_out')
    .describe('Samples whose segment ends after the video, or whose video is cut off: leave them out, or only tell.'),
  max_prompt_length: count()
    .default(16384)
    .describe(
      'Tokens of a prompt, the video’s included (in SFT, the answer’s too); a sample with a longer one is left out.',
    ),
});
