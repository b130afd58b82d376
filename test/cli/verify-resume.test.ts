import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tinyProject } from '../tiny-project.js';
import { compileProgram, start } from './compiled.js';

const [program, project] = await Promise.all([compileProgram(), tinyProject({ train: 6, test: 2 })]);

const verify = async (...args: string[]) => {
  const output = join(project.folder, 'verify');
  const running = start(process.execPath, [program, 'verify-resume', project.config, '--output', output, ...args]);
  return { ...(await running.ended), output };
};

it('a run that is killed and resumed is the one that was left alone, and leaves nothing', async () => {
  const { code, stderr, output } = await verify('--steps', '4', '--kills', '2', '--seed', '3');
  expect(code, stderr).toBe(0);
  expect(stderr.match(/killed in step \d/g)?.length ?? 0).toBeGreaterThan(0);
  expect(existsSync(output)).toBe(false);
}, 120_000);

it('a run that cannot be made says why', async () => {
  const { code, stderr } = await verify('--steps', '3', '--kills', '1', '--set', 'model.path=/nowhere');
  expect(code).toBe(1);
  expect(stderr).toContain('RESUME_RUN_FAILED');
  expect(stderr).toContain('/nowhere');
  const many = await verify('--steps', '2', '--kills', '2');
  expect(many.code).toBe(2);
}, 60_000);
