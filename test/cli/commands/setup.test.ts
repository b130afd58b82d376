import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { program } from '../../../src/cli/program.js';

describe.skipIf(process.platform === 'win32')('setup without pip', () => {
  let folder: string;
  let output: { stdout: string; stderr: string };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vau-rft-setup-command-'));
    const ffmpeg = join(folder, 'my-ffmpeg');
    writeFileSync(ffmpeg, '#!/bin/sh\necho ffmpeg version 7.1 Copyright\n');
    chmodSync(ffmpeg, 0o755);
    vi.stubEnv('FFMPEG_PATH', ffmpeg);
    vi.stubEnv('VAU_RFT_CACHE', folder);
    vi.stubEnv('PATH', folder);
    output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      vi.spyOn(process[stream], 'write').mockImplementation((text) => {
        output[stream] += String(text);
        return true;
      });
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  it('goes on with WASM, and says why', async () => {
    await program(['setup']).parseAsync();
    expect(output.stderr).toMatch(/TensorFlow cannot be set up: .*pip/);
    expect(output.stdout).toMatch(
      /TensorFlow {2}WASM.*\nkernels {5}portable\nprocesses {3}one: several processes need TensorFlow.*\nffmpeg {6}7\.1 /,
    );
  });

  it('fails where the CUDA build was asked for', async () => {
    await expect(program(['setup', '--cuda']).parseAsync()).rejects.toMatchObject({ code: 'CUDA_SETUP_FAILED' });
  });
});
