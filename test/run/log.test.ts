import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/run/log.js';
import { folderWith } from '../folder.js';

function capture(isTTY = false) {
  return {
    text: '',
    isTTY,
    write(text: string) {
      this.text += text;
    },
  };
}

const lines = async (file: string) =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('createLog', () => {
  it('appends JSON lines to the file and shows people warnings only', async () => {
    const file = join(await folderWith(), 'run.log');
    const stderr = capture();
    createLog({ file, stderr }).info({ step: 1 }, 'one');
    createLog({ file, stderr }).warn('two');
    createLog({ file, stderr }).error(new Error('three'));
    expect(await lines(file)).toMatchObject([
      { level: 30, step: 1, msg: 'one' },
      { level: 40, msg: 'two' },
      { level: 50, msg: 'three' },
    ]);
    expect(stderr.text).toBe('warning: two\nerror: three\n');
  });

  // A device of Linux on which every write finds the disk full.
  it.runIf(existsSync('/dev/full'))('is no reason for a run to die when its disk is full', async () => {
    const stderr = capture();
    const log = createLog({ file: '/dev/full', stderr });
    for (const text of ['one', 'two']) {
      log.warn(text);
      await setTimeout(20);
    }
    expect(stderr.text).toBe('warning: one\nwarning: two\n');
  });

  it('writes over a progress bar on a terminal', () => {
    const stderr = capture(true);
    createLog({ stderr }).warn('x');
    expect(stderr.text).toBe('\r\x1b[Kwarning: x\n');
  });

  it('never shows a secret of the environment', async () => {
    const file = join(await folderWith(), 'run.log');
    const stderr = capture();
    const env = { JUDGE_API_KEY: 'k"ey-12345678', HOME: '/home/somebody', MY_TOKEN: 'short' };
    createLog({ file, stderr, env }).warn(
      { url: `x?key=${env.JUDGE_API_KEY}`, short: 'short' },
      `key ${env.JUDGE_API_KEY} in ${env.HOME}`,
    );
    expect(stderr.text).toBe('warning: key [secret] in /home/somebody\n');
    expect((await lines(file))[0]).toMatchObject({
      url: 'x?key=[secret]',
      short: 'short',
      msg: 'key [secret] in /home/somebody',
    });
  });
});
