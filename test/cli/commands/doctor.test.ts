import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Diagnosis, diagnose } from '../../../src/cli/actions/diagnosis.js';
import { describe as print } from '../../../src/cli/commands/doctor.js';
import { program } from '../../../src/cli/program.js';

const healthy: Diagnosis = {
  ok: true,
  backend: 'tensorflow',
  tensorflow: { addonPath: '/a.node', tensorflowVersion: '2.21.0', source: 'cache', cuda: false, device: 'CPU' },
  kernels: '/cache/tensorflow/x/vau_rft_kernels-0.node',
  clusterHindrance: null,
  processor: { model: 'Some CPU', cores: 2, used: 2 },
  bfloat16: { instructions: ['amx_bf16'], measured: { float32: 200, bfloat16: 400 } },
  ffmpeg: { path: '/ffmpeg', version: '7.0', source: 'setup' },
  memory: { total: 8 * 2 ** 30, available: 2 ** 30 },
  node: '20.20.0',
  cache: { folder: '/cache', bytes: 2 ** 30 },
  problems: [],
};

describe('the table of doctor', () => {
  it('has a line a fact', () => {
    const text = print(healthy);
    expect(text).toContain('TensorFlow  2.21.0 (/a.node)');
    expect(text).toContain('device      CPU: Some CPU, 2 cores');
    expect(text).toContain('amx_bf16; matrix products at 400 GFLOP/s, 2.0 × float32 (200)');
    expect(text).toContain('memory      1 GiB of 8 GiB available');
    expect(text).toContain('All is there.');
  });

  it('says how many cores a run keeps busy, where that is not all', () => {
    const processor = { model: 'Some CPU', cores: 64, used: 2 };
    expect(print({ ...healthy, processor })).toContain('CPU: Some CPU, 2 of 64 cores');
  });

  it('tells of the GPU, where there is one, and not of what the processor could do', () => {
    const text = print({ ...healthy, tensorflow: { ...healthy.tensorflow!, cuda: true, device: 'GPU' } });
    expect(text).toContain('device      GPU');
    expect(text).toContain('kernels     TensorFlow’s, on the GPU');
    expect(text).toContain('bfloat16    of the GPU; matrix products at 400 GFLOP/s');
    expect(text).not.toContain('amx');
  });

  it('gives a remedy for each problem', () => {
    const problems = [{ blocking: true, what: 'there is no ffmpeg', remedy: 'vau-rft setup' }];
    const text = print({ ...healthy, ok: false, ffmpeg: null, tensorflow: null, problems });
    expect(text).toContain('! there is no ffmpeg\n  → vau-rft setup');
    expect(text).not.toContain('All is there.');
  });
});

describe('a machine without anything', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vau-rft-doctor-'));
    vi.stubEnv('VAU_RFT_CACHE', folder);
    vi.stubEnv('PATH', folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  it('uses WASM, and cannot run without ffmpeg', async () => {
    // A program that does not run as ffmpeg, whatever packages are installed here.
    vi.stubEnv('FFMPEG_PATH', join(folder, 'nothing'));
    const diagnosis = await diagnose();
    expect(diagnosis).toMatchObject({ ok: false, backend: 'wasm', tensorflow: null, ffmpeg: null });
    expect(diagnosis.problems.map(({ blocking, remedy }) => [blocking, remedy])).toEqual([
      [false, 'vau-rft setup'],
      [true, 'unset FFMPEG_PATH'],
    ]);
    expect(diagnosis.cache).toEqual({ folder, bytes: 0 });
    expect(diagnosis.memory.available).toBeLessThanOrEqual(diagnosis.memory.total);
  });

  it('prints JSON, and then fails with the remedy', async () => {
    vi.stubEnv('FFMPEG_PATH', join(folder, 'nothing'));
    const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const failure = { code: 'NOT_READY', exitCode: 1, message: expect.stringMatching(/unset FFMPEG_PATH/) };
    await expect(program(['doctor', '--json']).parseAsync()).rejects.toMatchObject(failure);
    expect(JSON.parse(String(printed.mock.calls[0]?.[0]))).toMatchObject({ ok: false });
  });
});
