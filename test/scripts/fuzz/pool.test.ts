import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Limits, Reader } from '../../../scripts/fuzz/pool.js';
import { folderWith } from '../../folder.js';

/** Ends each task as its kind says. */
const WORKER = `
  const kept = [];
  process.on('message', ({ kind }) => {
    if (kind === 'good') return process.send({ finding: null, code: String(process.pid) });
    if (kind === 'dies') process.kill(process.pid, 'SIGSEGV');
    if (kind === 'endless') for (;;);
    if (kind === 'large') setInterval(() => kept.push(new Uint8Array(2 ** 24).fill(1)), 5);
  });`;

const reader = async (limits: Partial<Limits>) => {
  const folder = await folderWith({ 'worker.mjs': WORKER });
  const worker = pathToFileURL(join(folder, 'worker.mjs'));
  return new Reader({ worker, limits: { seconds: 60, wallSeconds: 60, bytes: 2 ** 34, ...limits } });
};
const read = (one: Reader, kind: string) => one.read({ kind, folder: '' });

describe.skipIf(process.platform !== 'linux')('a reader of the fuzzer', () => {
  it('keeps its process for the next input, and has another after one that ended badly', async () => {
    const one = await reader({});
    const { code } = await read(one, 'good');
    expect(await read(one, 'good')).toEqual({ finding: null, code });
    expect(await read(one, 'dies')).toEqual({ finding: 'the process ended with SIGSEGV', code: 'died' });
    const next = await read(one, 'good');
    expect(next.finding).toBe(null);
    expect(next.code).not.toBe(code);
    one.close();
  });

  it.each([
    ['endless', { seconds: 0.2 }, 'takes more than 0.2 s of processor time'],
    ['waits', { wallSeconds: 0.3 }, 'not done after 0.3 s'],
    ['large', { bytes: 2 ** 28 }, 'takes more than 0.25 GiB of memory'],
  ] as const)('ends an input that is %s', async (kind, limits, finding) => {
    const one = await reader(limits);
    expect(await read(one, kind)).toEqual({ finding, code: 'killed' });
    one.close();
  });
});
