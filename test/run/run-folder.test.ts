import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../../src/config/schema.js';
import { resolvedConfigText } from '../../src/config/text.js';
import { holdsRun, openRunFolder } from '../../src/run/run-folder.js';
import { folderWith } from '../folder.js';

const parse = (output_dir: string, options: object = {}): Config =>
  configSchema.parse({ name: 'a', model: { path: 'm' }, output_dir, ...options });

const SOURCE = (videos: string) => ({ data: { train: [{ source: 'jsonl', annotations: 'a.jsonl', videos }] } });

/** Opens a run's folder, makes a step in it, and leaves. */
async function begin(config: Config): Promise<void> {
  const folder = await openRunFolder({ config, resume: false });
  await writeFile(folder.metrics, '{"step":1}\n');
  await folder.release();
}

describe('openRunFolder', () => {
  it('makes the folder with its config, locked', async () => {
    const config = parse(join(await folderWith(), 'runs/a'));
    const folder = await openRunFolder({ config, resume: false });
    expect((await readdir(folder.path)).sort()).toEqual(['checkpoints', 'config.yaml', 'run.lock']);
    expect(await readFile(folder.config, 'utf8')).toBe(resolvedConfigText(config));
    await expect(openRunFolder({ config, resume: true })).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    await folder.release();
    expect(await readdir(folder.path)).not.toContain('run.lock');
  });

  it('does not start a run where one is, and leaves that one and its lock alone', async () => {
    const config = parse(join(await folderWith(), 'a'));
    await begin(config);
    const again = openRunFolder({ config: parse(config.output_dir, { seed: 7 }), resume: false });
    await expect(again).rejects.toMatchObject({ code: 'RUN_EXISTS', exitCode: 2 });
    await expect(again).rejects.toThrow('--resume');
    expect(await readFile(join(config.output_dir, 'config.yaml'), 'utf8')).toBe(resolvedConfigText(config));
    await (await openRunFolder({ config, resume: true })).release();
  });

  it('resumes with what changes no number, and writes that down once it is wanted', async () => {
    const config = parse(join(await folderWith(), 'a'), SOURCE('videos'));
    await begin(config);
    const options = { name: 'b', training: { save_steps: 7, max_steps: 2000 }, evaluation: { max_samples: 3 } };
    const folder = await openRunFolder({
      config: parse(config.output_dir, { ...options, ...SOURCE('moved/videos') }),
      resume: true,
    });
    expect(folder.changes).toEqual([
      'name: "a" → "b"',
      'data.train.0.videos: "videos" → "moved/videos"',
      'training.max_steps: 1000 → 2000',
      'training.save_steps: 100 → 7',
      'evaluation.max_samples: left out → 3',
    ]);
    expect(await readFile(folder.config, 'utf8')).toBe(resolvedConfigText(config));
    await folder.takeConfig();
    expect(await readFile(folder.config, 'utf8')).toContain('save_steps: 7');
    await folder.release();
  });

  it('takes an option that holds a secret for the same as before', async () => {
    const config = parse(join(await folderWith(), 'a'), { data: { system_prompt: 'password=hunter222' } });
    await begin(config);
    const folder = await openRunFolder({ config, resume: true });
    expect(folder.changes).toEqual([]);
    await folder.release();
  });

  it('says which options speak against resuming, each with what it was and is', async () => {
    const config = parse(join(await folderWith(), 'a'), SOURCE('videos'));
    await begin(config);
    const { data } = SOURCE('videos');
    const options = {
      data: { train: [{ ...data.train[0], task: 'tag' }] },
      training: { max_steps: 7, save_steps: 3 },
      grpo: { epsilon_high: 0.3 },
      rewards: [{ name: 'format' }, { name: 'accuracy', weight: 0.5 }, { name: 'temporal_iou' }],
    };
    const resumed = openRunFolder({ config: parse(config.output_dir, options), resume: true });
    await expect(resumed).rejects.toMatchObject({ code: 'RUN_CONFIG_CHANGED', exitCode: 2 });
    await expect(resumed).rejects.toThrow(
      /other options:\n {2}data\.train\.0\.task: left out → "tag"\n {2}rewards\.1\.weight: 1 → 0\.5\n {2}grpo\.epsilon_high: left out → 0\.3\n {2}training\.max_steps: 1000 → 7\nTake/,
    );
    expect(await readFile(join(config.output_dir, 'config.yaml'), 'utf8')).toBe(resolvedConfigText(config));
  });

  it.each(['config.yaml', 'run.log', 'metrics.jsonl', 'completions.jsonl', 'evaluations.jsonl', 'finished.json'])(
    'refuses a folder in the place of %s',
    async (name) => {
      const config = parse(join(await folderWith(), 'a'));
      await mkdir(join(config.output_dir, name), { recursive: true });
      for (const resume of [false, true]) {
        const opened = openRunFolder({ config, resume });
        await expect(opened).rejects.toMatchObject({ code: 'RUN_FOLDER', exitCode: 2 });
        await expect(opened).rejects.toThrow(`${join(config.output_dir, name)} is not a file`);
      }
      expect(await readdir(config.output_dir)).toEqual([name]);
    },
  );

  it('refuses a file in the place of the checkpoints, and a pipe in that of the metrics', async () => {
    const config = parse(join(await folderWith(), 'a'));
    await mkdir(config.output_dir);
    await writeFile(join(config.output_dir, 'checkpoints'), '');
    await expect(openRunFolder({ config, resume: true })).rejects.toThrow(/checkpoints is not a folder/);
    await rm(join(config.output_dir, 'checkpoints'));
    execFileSync('mkfifo', [join(config.output_dir, 'metrics.jsonl')]);
    await expect(openRunFolder({ config, resume: true })).rejects.toThrow(/metrics\.jsonl is not a file/);
  });

  it('begins anew, with other options too, where no step was made', async () => {
    const config = parse(join(await folderWith(), 'a'));
    const folder = await openRunFolder({ config, resume: false });
    await writeFile(folder.metrics, '');
    await mkdir(join(folder.checkpoints, '.step-000001.unfinished'));
    await folder.release();
    expect(await holdsRun(folder.path)).toBe(false);
    const other = parse(config.output_dir, { seed: 7 });
    await (await openRunFolder({ config: other, resume: false })).release();
    await (await openRunFolder({ config, resume: true })).release();
    expect(await readFile(folder.config, 'utf8')).toBe(resolvedConfigText(config));
    await mkdir(join(folder.checkpoints, 'step-000001'));
    expect(await holdsRun(folder.path)).toBe(true);
  });

  it('does not mind a folder with other things in it', async () => {
    const folder = await folderWith({ 'notes.txt': 'x' });
    expect(await holdsRun(folder)).toBe(false);
    await begin(parse(folder));
    await writeFile(join(folder, 'notes.txt'), 'y');
    expect(await holdsRun(folder)).toBe(true);
  });
});
