import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { packageFile } from '../../src/system/package-file.js';
import { compileProgram } from './compiled.js';

const run = promisify(execFile);
const main = await compileProgram();

/** Runs a shell line with `vau-rft` in it. */
async function shell(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = `${JSON.stringify(process.execPath)} ${JSON.stringify(main)}`;
  const script = `set -o pipefail; ${line.replaceAll('vau-rft', program)}`;
  const done = await run('bash', ['-c', script]).catch((error) => error);
  return { code: done.code ?? 0, stdout: done.stdout, stderr: done.stderr };
}

describe('the program', () => {
  it('gives results on standard output and exits with 0', async () => {
    expect(await shell('vau-rft schema')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('"title"'),
    });
    expect((await shell('vau-rft --help')).code).toBe(0);
  });

  it('gives errors on standard error and exits with their code', async () => {
    const { code, stdout, stderr } = await shell('vau-rft ablate nothing.yaml');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe('error CONFIG_NOT_READABLE: nothing.yaml cannot be read: there is no such file\n');
    expect((await shell('vau-rft ablate nothing.yaml --debug')).stderr).toMatch(/\n {4}at .*yaml-file/);
  });

  it('shows no secret, whoever says it', async () => {
    const set = '--set judge.api_key=abcd1234 --set model.path=https://me:hunter22@host/ --set seed=envsecret1';
    const { code, stderr } = await shell(`HF_TOKEN=envsecret1 vau-rft train nothing-envsecret1.yaml ${set}`);
    expect(code).toBe(2);
    expect(stderr).toBe('error CONFIG_NOT_READABLE: nothing-[secret].yaml cannot be read: there is no such file\n');
    const wrong = await shell(`HF_TOKEN=envsecret1 vau-rft train ${packageFile('configs/base.yaml')} ${set} --debug`);
    expect(wrong.stderr).toMatch(/--set seed=\[secret\] {2}seed: must be a number.*--set judge\.api_key=\[secret\]/s);
    expect(wrong.stderr).not.toMatch(/abcd1234|hunter22|envsecret1/);
  });

  it('is quiet when its reader leaves', async () => {
    const { code, stderr } = await shell('vau-rft schema | true');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
