import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../../src/config/schema.js';
import { resolvedConfigText } from '../../src/config/text.js';
import { holdsRun, openRunFolder } from '../../src/report/run-folder.js';
import { folderWith } from '../folder.js';

const parse = (output_dir: string, options: object = {}): Config =>
  configSchema.parse({ name: 'a', model: { path: 'm' }, output_dir, ...options });

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

  it('resumes with another name or rhythm of saving, and says which other options have changed', async () => {
    const config = parse(join(await folderWith(), 'a'));
    await begin(config);
    const same = parse(config.output_dir, { name: 'b', training: { save_steps: 7 } });
    await (await openRunFolder({ config: same, resume: true })).release();
    expect(await readFile(join(config.output_dir, 'config.yaml'), 'utf8')).toContain('save_steps: 7');

    const other = parse(config.output_dir, { training: { max_steps: 7 }, grpo: { epsilon_high: 0.3 } });
    const resumed = openRunFolder({ config: other, resume: true });
    await expect(resumed).rejects.toMatchObject({ code: 'RUN_CONFIG_CHANGED', exitCode: 2 });
    await expect(resumed).rejects.toThrow('\n  grpo.epsilon_high: left out → 0.3\n  training.max_steps: 1000 → 7\n');
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
