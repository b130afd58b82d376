import { cp, open } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../../src/cli/commands/generate.js';
import { command as logprobs } from '../../../src/cli/commands/logprobs.js';
import { openSafetensors } from '../../../src/model-folder/safetensors.js';
import { tinyProject, videoFlags } from '../../tiny-project.js';
import { trainHere } from '../../trainer/train-here.js';
import { runCommand } from './run.js';

const project = await tinyProject({ train: 3, test: 1 });
const video = ['--video', join(project.videos, 'test-00000.mp4'), ...videoFlags];
const model = join(project.folder, 'run-sft/checkpoints/step-000010');
const generate = (...args: string[]) =>
  runCommand(command, ['generate', '--model', model, '--prompt', 'When?', ...args]);

beforeAll(async () => {
  const set = ['training.max_steps=10', 'training.prompts_per_step=9'];
  const { end } = await trainHere({ project, name: 'run-sft', set });
  expect(await end).toBe('done');
});

describe('generate', () => {
  it('answers about a video, greedily unless told otherwise', async () => {
    const { stdout: text } = await generate(...video, '--max-new-tokens', '12');
    const { stdout } = await generate(...video, '--max-new-tokens', '12', '--json');
    const result = JSON.parse(stdout);
    expect(result.text).toBe(text.slice(0, -1));
    expect(result.text).toContain('<answer>');
    expect(result.frame_times).toHaveLength(4);
    expect(result.completion_token_ids.length).toBeLessThanOrEqual(12);
    expect(result.truncated).toBe(result.completion_token_ids.length === 12 && !text.endsWith('>\n'));
    expect(result.prompt_token_ids.length).toBeGreaterThan(20);
  });

  it('samples by a seed', async () => {
    const sample = async (seed: string) => {
      const flags = ['--temperature', '5', '--top-k', '200', '--max-new-tokens', '12', '--seed', seed];
      return (await generate(...video, ...flags)).stdout;
    };
    const texts = [await sample('1'), await sample('1'), await sample('2')];
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).not.toBe(texts[2]);
  });

  it('answers without a video too', async () => {
    const { stdout } = await generate('--max-new-tokens', '3', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ frame_times: [], truncated: true });
  });

  it('does not answer with weights that are not numbers', async () => {
    const broken = join(project.folder, 'broken');
    await cp(model, broken, { recursive: true });
    const { entries, file, close } = await openSafetensors(join(broken, 'model.safetensors'));
    await close();
    const handle = await open(file, 'r+');
    await handle.write(Float32Array.of(Number.NaN), 0, 4, entries.get('model.norm.weight')!.start);
    await handle.close();
    const args = ['--model', broken, '--prompt', 'When?'];
    const error = { code: 'MODEL_NOT_FINITE', message: expect.stringContaining(`${broken} gives log-probabilities`) };
    await expect(runCommand(command, ['generate', ...args])).rejects.toMatchObject(error);
    const scored = runCommand(logprobs, ['logprobs', ...args, '--completion', 'Now.']);
    await expect(scored).rejects.toMatchObject(error);
  });

  it('says all that is wrong with its numbers at once', async () => {
    const asked = generate('--max-new-tokens', '0', '--top-p', '2', '--temperature', '-1');
    await expect(asked).rejects.toThrow(
      /^--max-new-tokens must be a whole number.*\n--temperature .*\n--top-p must be .* got 2$/,
    );
    await expect(asked).rejects.toMatchObject({ exitCode: 2 });
    await expect(generate('--max-new-tokens', 'many')).rejects.toThrow('got NaN');
    await expect(generate('--fps', '0')).rejects.toThrow('--fps must be a number greater than 0, got 0');
    await expect(generate('--min-pixels', '9000000')).rejects.toThrow('must be at most --max-pixels (100352)');
    const huge = generate('--min-pixels', '1e9', '--max-pixels', '1e9', '--max-new-tokens', '512');
    await expect(huge).rejects.toThrow('--max-pixels must be a whole number from 1 to 67108864, got 1000000000');
  });
});
