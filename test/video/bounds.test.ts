import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBudget } from '../../src/video/bounds.js';
import { ensureFfmpeg } from '../../src/video/ffmpeg.js';
import { loadFrames } from '../../src/video/load-frames.js';
import { probeVideo } from '../../src/video/probe.js';
import { clipFolder, ffmpeg } from './clips.js';

const folder = await clipFolder();
const { path: real } = await ensureFfmpeg({ report: console.error });
const clip = join(folder, 'clip.mp4');
const load = (file: string, bounds: object) =>
  loadFrames({ file, settings: { fps: 1, max_frames: 8, min_pixels: 784, max_pixels: 7056, ...bounds }, factor: 28 });

beforeAll(() => ffmpeg(['-f', 'lavfi', '-i', 'testsrc2=s=640x480:r=25:d=4', '-pix_fmt', 'yuv420p', clip]));
afterEach(() => void vi.unstubAllEnvs());

/** An ffmpeg that runs `script` first, each time that it is asked for more than its version. */
const stub = async (name: string, script: string): Promise<void> => {
  const file = join(folder, name);
  const isVersion = `[ "$1" = -version ] && exec "${real}" "$@"`;
  await writeFile(file, `#!/bin/sh\n${isVersion}\n${script}\nexec "${real}" "$@"\n`);
  await chmod(file, 0o755);
  vi.stubEnv('FFMPEG_PATH', file);
};

describe('a video is left out, by name and option,', () => {
  it('whose frames are larger than was allowed', async () => {
    const told = {
      code: 'VIDEO_TOO_LARGE',
      message: expect.stringMatching(/clip\.mp4: its frames are 640x480, and data/),
    };
    await expect(load(clip, { max_source_pixels: 640 * 480 - 1 })).rejects.toMatchObject(told);
    expect((await load(clip, { max_source_pixels: 640 * 480 })).count).toBe(4);
  });

  it.runIf(process.platform === 'linux')('that takes more memory', async () => {
    const large = join(folder, 'large.gif');
    await ffmpeg(['-f', 'lavfi', '-i', 'color=red:s=6000x5000:r=5:d=0.4', large]);
    const told = { code: 'VIDEO_TOO_LARGE', message: expect.stringContaining('max_decode_memory_mib is 150') };
    await expect(load(large, { max_decode_memory_mib: 150 })).rejects.toMatchObject(told);
    expect((await load(large, {})).count).toBe(2);
  });

  it('that takes longer, all processes together', async () => {
    await stub('slow', 'sleep 0.4');
    const told = { code: 'VIDEO_TIMEOUT', message: expect.stringContaining('max_decode_seconds (0.7)') };
    await expect(load(clip, { max_decode_seconds: 0.7 })).rejects.toMatchObject(told);
    const budget = openBudget({ max_decode_seconds: 100 });
    await probeVideo({ file: clip, budget });
    expect(budget.secondsLeft).toBeLessThan(99.6);
  });

  it('that complains without end and shows nothing', async () => {
    await stub('flood', 'while echo "[h264 @ 0x1] [error] no frame!" >&2; do :; done');
    await expect(load(clip, {})).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE' });
  });
});

describe('ffmpeg', () => {
  it('is started again where a signal of somebody else’s has stopped it', async () => {
    const whole = await load(clip, {});
    const stopped = `echo "[info] Exiting normally, received signal 15." >&2; exit 255`;
    for (const [name, end] of [
      ['exits', stopped],
      ['dies', 'kill -TERM $$'],
    ] as const) {
      await stub(name, `[ -e "$0.once" ] || { : > "$0.once"; ${end}; }`);
      expect(await load(clip, {})).toEqual(whole);
    }
    await stub('always', stopped);
    await expect(load(clip, {})).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE' });
  });

  it('that crashes is told', async () => {
    await stub('crashes', 'kill -SEGV $$');
    await expect(load(clip, {})).rejects.toThrow(/cannot be read as a video \(ffmpeg: it crashed \(SIGSEGV\)\)/);
  });
});
