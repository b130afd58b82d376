import { chmod, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openBudget } from '../../src/video/bounds.js';
import { ensureFfmpeg, findFfmpeg } from '../../src/video/ffmpeg.js';
import { runFfmpeg } from '../../src/video/run-ffmpeg.js';
import { clipFolder } from './clips.js';

const npm = vi.hoisted((): { path: string | null } => ({ path: null }));
// Installed or not, which the rest of the project must not notice: null is not.
vi.mock('node:module', async (importOriginal) => {
  const module = await importOriginal<typeof import('node:module')>();
  const createRequire: typeof module.createRequire = (from) => {
    const require = module.createRequire(from);
    const load = (id: string): unknown => {
      if (id !== 'ffmpeg-static') return require(id);
      if (npm.path === null) throw new Error(`Cannot find module '${id}'`);
      return npm.path;
    };
    return Object.assign(load, require);
  };
  return { ...module, createRequire };
});

const folder = await clipFolder();
const { path: real } = await ensureFfmpeg({ report: console.error });
afterEach(() => {
  npm.path = null;
  vi.unstubAllEnvs();
});

/** A program that answers as ffmpeg of the given version, then runs `rest`. */
const program = async ({
  file,
  version,
  rest = '',
}: {
  file: string;
  version: string;
  rest?: string;
}): Promise<string> => {
  const answer = `[ "$1" = -version ] && echo "ffmpeg version ${version} Copyright" && exit 0`;
  await writeFile(file, `#!/bin/sh\n${answer}\n${rest}\n`);
  await chmod(file, 0o755);
  return file;
};

/** Only what this test puts there can be found. */
const bare = async (name: string): Promise<{ path: string; cache: string }> => {
  const place = { path: join(folder, name, 'bin'), cache: join(folder, name, 'cache') };
  await mkdir(place.path, { recursive: true });
  await mkdir(join(place.cache, 'ffmpeg'), { recursive: true });
  vi.stubEnv('FFMPEG_PATH', '');
  vi.stubEnv('PATH', place.path);
  vi.stubEnv('VAU_RFT_CACHE', place.cache);
  return place;
};

describe('findFfmpeg', () => {
  it('prefers FFMPEG_PATH, then ffmpeg-static, then the PATH, then the one that setup brought', async () => {
    const { path, cache } = await bare('order');
    await program({ file: join(cache, 'ffmpeg', 'ffmpeg'), version: '3' });
    expect(await findFfmpeg()).toMatchObject({ source: 'setup', version: '3' });
    await program({ file: join(path, 'ffmpeg'), version: '2' });
    // What was found is remembered until the environment changes.
    vi.stubEnv('PATH', `${path}:${path}`);
    expect(await findFfmpeg()).toMatchObject({ source: 'system', version: '2' });
    npm.path = await program({ file: join(folder, 'packaged'), version: '1.5' });
    vi.stubEnv('PATH', `${path}:${path}:${path}`);
    expect(await findFfmpeg()).toMatchObject({ source: 'ffmpeg-static', version: '1.5' });
    vi.stubEnv('FFMPEG_PATH', await program({ file: join(folder, 'mine'), version: '1' }));
    expect(await findFfmpeg()).toEqual({ source: 'FFMPEG_PATH', version: '1', path: join(folder, 'mine') });
  });

  it('passes over a broken one, but not over a broken FFMPEG_PATH', async () => {
    const { path, cache } = await bare('broken');
    await writeFile(join(path, 'ffmpeg'), 'no program', { mode: 0o755 });
    await symlink(real, join(cache, 'ffmpeg', 'ffmpeg'));
    expect(await findFfmpeg()).toMatchObject({ source: 'setup' });
    vi.stubEnv('FFMPEG_PATH', '/bin/true');
    await expect(findFfmpeg()).rejects.toMatchObject({ name: 'SetupError', code: 'FFMPEG_PATH_BROKEN' });
    await expect(ensureFfmpeg({ report: () => {} })).rejects.toMatchObject({ code: 'FFMPEG_PATH_BROKEN' });
  });
});

describe('ensureFfmpeg', () => {
  it('says what each way said when none works, and leaves nothing behind', async () => {
    const { path, cache } = await bare('offline');
    // A setup that was killed long ago.
    const leftover = join(cache, 'ffmpeg', 'fetch-old');
    await mkdir(leftover);
    await utimes(leftover, new Date(), new Date(1e12));
    for (const name of ['python3', 'python', 'npm'])
      await program({ file: join(path, name), version: '', rest: 'echo no route >&2; exit 1' });
    const lines: string[] = [];
    const failure = await ensureFfmpeg({ report: (line) => lines.push(line) }).catch((error: Error) => error);
    expect(failure).toMatchObject({
      name: 'SetupError',
      code: 'FFMPEG_MISSING',
      message: expect.stringContaining('no route'),
    });
    expect(lines).toHaveLength(4);
    expect(await readdir(join(cache, 'ffmpeg'))).toEqual([]);
  });
});

describe('what is fetched', () => {
  /** pip fails, and npm gives another archive than the one that was released. */
  const fakes = async (name: string): Promise<{ cache: string; asked: string }> => {
    const { path, cache } = await bare(name);
    const asked = join(folder, name, 'asked');
    const note = `echo "$@" >> '${asked}'; for one; do case $one in *.txt) /bin/cat "$one" >> '${asked}';; esac; done`;
    await program({ file: join(path, 'python3'), version: '', rest: `${note}; case $3 in download) exit 1;; esac` });
    const pack = `echo npm "$@" >> '${asked}'; while [ "$1" != --pack-destination ]; do shift; done; echo other > "$2/p.tgz"`;
    await program({ file: join(path, 'npm'), version: '', rest: pack });
    return { cache, asked };
  };

  it('has a fixed version and hash; anything else is not unpacked', async () => {
    const { cache, asked } = await fakes('pinned');
    const failure = await ensureFfmpeg({ report: () => {} }).catch((error: Error) => error);
    expect(failure).toMatchObject({
      code: 'FFMPEG_MISSING',
      message: expect.stringContaining('is not the one that was'),
    });
    const calls = await readFile(asked, 'utf8');
    expect(calls).toMatch(/--require-hashes/);
    expect(calls).toMatch(/^imageio-ffmpeg==0\.6\.0 --hash=sha256:[0-9a-f]{64}$/m);
    expect(calls).toMatch(/npm pack .*@ffmpeg-installer\/\S+@4\.1\.\d$/m);
    expect(await readdir(join(cache, 'ffmpeg'))).toEqual([]);
  });
});

describe('runFfmpeg', () => {
  it('ends a program that hangs, and one that is no longer wanted', async () => {
    vi.stubEnv('FFMPEG_PATH', await program({ file: join(folder, 'hangs'), version: '9', rest: 'exec sleep 30' }));
    expect(await runFfmpeg(() => ({ args: [], budget: openBudget({ max_decode_seconds: 0.2 }) }))).toMatchObject({
      exceeded: 'time',
      exitCode: null,
    });
    await expect(runFfmpeg(() => ({ args: [], signal: AbortSignal.timeout(200) }))).rejects.toThrow(/aborted/);
  });

  it('tells errors in short', async () => {
    vi.stubEnv('FFMPEG_PATH', real);
    const { exitCode, said } = await runFfmpeg(() => ({ args: ['-i', 'file:/nowhere.mp4', '-f', 'null', '-'] }));
    expect(exitCode).not.toBe(0);
    expect(said).toMatch(/No such file/);
    expect(said).not.toMatch(/@ 0x|\[error\]|\n/);
  });
});
