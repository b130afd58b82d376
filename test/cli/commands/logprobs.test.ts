import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { command } from '../../../src/cli/commands/logprobs.js';
import { folderWith as emptyFolder } from '../../folder.js';
import { tinyProject, videoFlags } from '../../tiny-project.js';
import { runCommand } from './run.js';

const project = await tinyProject({ train: 1, test: 2 });
const words = ['--prompt', 'Which class?', '--completion', '<answer>Fire</answer>'];
const logprobs = async (...args: string[]) =>
  (await runCommand(command, ['logprobs', '--model', project.model, ...words, ...args])).stdout;
const about = (clip: string) => ['--video', join(project.videos, clip), ...videoFlags];

describe('logprobs', () => {
  it('scores an answer token by token, its end included, and sees the video', async () => {
    const [first, second] = [await logprobs(...about('test-00000.mp4')), await logprobs(...about('test-00001.mp4'))];
    const result = JSON.parse(first);
    expect(result.logprobs).toHaveLength(result.completion_token_ids.length);
    expect(result.logprobs.every((x: number) => x < 0)).toBe(true);
    expect(result.prompt_token_ids.length).toBeGreaterThan(20);
    expect(result.frame_times).toEqual(result.frame_times.toSorted((a: number, b: number) => a - b));
    expect(result.frame_times).toHaveLength(4);
    expect(JSON.parse(second).logprobs).not.toEqual(result.logprobs);
  });

  it('fetches ffmpeg where there is none', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    const empty = await emptyFolder();
    for (const name of ['PATH', 'VAU_RFT_CACHE']) vi.stubEnv(name, empty);
    vi.stubEnv('FFMPEG_PATH', '');
    const tried = { code: 'FFMPEG_MISSING', message: expect.stringMatching(/^No ffmpeg could be fetched .*PyPI.*npm/) };
    await expect(logprobs(...about('test-00000.mp4'))).rejects.toMatchObject(tried);
  });

  it('prints a line a token for people', async () => {
    const { logprobs: expected } = JSON.parse(await logprobs());
    const lines = (await logprobs('--no-json')).trimEnd().split('\n');
    const values = lines.map((line) => Number(line.trim().split(/ +/)[0]));
    const sum = expected.reduce((a: number, b: number) => a + b);
    expect(values).toEqual([...expected, sum].map((x) => Number(x.toFixed(4))));
    expect(lines[0]).toContain('"<answer>"');
    expect(lines.at(-1)).toMatch(/in all, \d+ tokens$/);
  });

  it('refuses a temperature of 0', async () => {
    await expect(logprobs('--temperature', '0')).rejects.toThrow(
      '--temperature must be a number greater than 0, got 0',
    );
  });
});
