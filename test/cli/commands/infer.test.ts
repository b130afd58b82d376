import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { command } from '../../../src/cli/commands/infer.js';
import { tinyProject } from '../../tiny-project.js';
import { trainHere } from '../../trainer/train-here.js';
import { runCommand } from './run.js';

const project = await tinyProject({ train: 3, test: 2 });
const at = (name: string) => join(project.folder, name);
// Enough to answer in the right form now and then.
const { end } = await trainHere({ project, name: 'sft', set: ['training.max_steps=40', 'training.save_steps=40'] });
await end;
const infer = (videos: string[], ...args: string[]) =>
  runCommand(command, ['infer', project.config, ...videos, '--checkpoint', at('sft/checkpoints/step-000040'), ...args]);
const linesOf = async (file: string) =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

afterAll(() => {
  process.exitCode = undefined;
});

describe('infer', () => {
  it('answers a folder, a line a video in their order, with a page that needs nothing and runs nothing', async () => {
    const output = at('answers.jsonl');
    await infer([project.videos], '--votes', '2', '--output', output, '--page', at('page.html'), '--clips', at('cut'));
    const lines = await linesOf(output);
    const videos = (await readdir(project.videos)).sort();
    expect(lines.map(({ video }) => video)).toEqual(videos.map((name) => join(project.videos, name)));
    for (const line of lines) {
      expect(Object.keys(line.texts)).toEqual(['tag', 'cls']);
      expect(line).toHaveProperty('class');
      expect(line.frame_scores.scores.every((score: number) => score >= 0 && score <= 1)).toBe(true);
    }
    const html = await readFile(at('page.html'), 'utf8');
    expect(html.match(/<section>/g)).toHaveLength(videos.length);
    expect(html).toContain("script-src 'none'");
    expect(html).not.toContain('<script');
    const named = lines.filter(({ segment }) => Array.isArray(segment));
    expect((existsSync(at('cut')) ? await readdir(at('cut')) : []).length).toBe(named.length);
  });

  it('is not asked again; other settings are not mixed', async () => {
    const output = at('again.jsonl');
    await infer([project.videos], '--output', output);
    const first = await readFile(output);
    const { stderr } = await infer([project.videos], '--output', output);
    expect(stderr).toContain('10 of 10 answers are there already');
    expect(await readFile(output)).toEqual(first);
    const other = infer([project.videos], '--output', output, '--set', 'data.video.max_frames=2');
    await expect(other).rejects.toMatchObject({ code: 'EVALUATION_OTHER' });
  });

  it('takes lists, and leaves out what is no video', async () => {
    const broken = at('broken.mp4');
    await writeFile(broken, 'no video');
    await writeFile(at('list.txt'), `clips/videos/test-00000.mp4\n${broken}\n`);
    const { stderr } = await infer([at('list.txt')], '--output', at('listed.jsonl'), '--page', at('listed.html'));
    const lines = await linesOf(at('listed.jsonl'));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({ video: broken, left_out: 'the video cannot be read', texts: {} });
    expect(stderr).toContain('broken.mp4');
    await expect(infer([at('nothing')])).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
    await writeFile(at('empty.txt'), '\n# \n');
    await expect(infer([at('empty.txt')])).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
  });
});
