import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { writeTinyModel } from '../src/quickstart/tiny-model.js';
import { CLIP_CLASSES } from '../src/synthesize/classes.js';
import { synthesize } from '../src/synthesize/synthesize.js';
import { ensureFfmpeg } from '../src/video/ffmpeg.js';

/** All that a run of seconds needs: real clips, a Qwen2-VL of random weights, a config. */
export interface TinyProject {
  folder: string;
  /** The folder of the videos: `train-00000.mp4` …, `test-00000.mp4` …. */
  videos: string;
  model: string;
  /** A config of SFT on three tasks a clip; `--set` makes other runs of it. */
  config: string;
}

/** The options of the `generate` and `logprobs` commands that show a video as the config does. */
export const videoFlags = ['--fps', '1', '--max-frames', '4', '--min-pixels', '3136', '--max-pixels', '7056'];

/** Makes a project for the tests of a file, at its top level; it is gone when they are over. */
export async function tinyProject({ train, test }: { train: number; test: number }): Promise<TinyProject> {
  const folder = await mkdtemp(join(tmpdir(), 'vau-rft-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  await ensureFfmpeg({ report: () => {} });
  const { videos, annotations } = await synthesize({
    folder: join(folder, 'clips'),
    seed: 5,
    size: 84,
    seconds: [6, 8],
    splits: { train, test },
  });
  const model = join(folder, 'model');
  await writeTinyModel({ folder: model, seed: 1 });
  const source = (split: string) => [{ source: 'jsonl', annotations: annotations[split], videos }];
  const options = {
    name: 'tiny',
    method: 'sft',
    seed: 1,
    model: { path: model, dtype: 'float32', freeze_vision: false },
    data: {
      train: source('train'),
      eval: source('test'),
      prompt: 'direct',
      prompt_templates: { qa: '{question}\n{options}', tag: 'When?', cls: 'Which class?' },
      video: { fps: 1, max_frames: 4, min_pixels: 3136, max_pixels: 7056 },
      classes: CLIP_CLASSES.map(({ name }) => name),
    },
    rollout: { num_generations: 4, max_completion_length: 16 },
    training: {
      max_steps: 6,
      prompts_per_step: 2,
      learning_rate: 4e-3,
      lr_scheduler_type: 'constant',
      adam_beta2: 0.95,
      save_steps: 2,
    },
    evaluation: { batch_size: 64 },
    output_dir: join(folder, 'run'),
  };
  const config = join(folder, 'config.yaml');
  // JSON is YAML.
  await writeFile(config, JSON.stringify(options, null, 2));
  return { folder, videos, model, config };
}
