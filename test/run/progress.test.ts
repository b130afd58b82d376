import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createProgress, formatDuration } from '../../src/run/progress.js';

/** A stand-in for standard error, and a clock that the test moves. */
function setUp(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 120 }) as unknown as NodeJS.WriteStream;
  const time = { now: 0 };
  const progress = createProgress({ stream, clock: () => time.now });
  const text = () => String((stream as unknown as PassThrough).read() ?? '');
  return { progress, time, text };
}

describe('createProgress', () => {
  it('prints plain lines, one in five seconds at most, and always the last', () => {
    const { progress, time, text } = setUp(false);
    progress.start(20, 'train');
    for (let step = 1; step <= 16; step++) {
      time.now += 1000;
      progress.update(step, { reward: 1.23456 });
    }
    progress.stop();
    expect(text()).toBe(
      [
        'train 1/20  1/s, 19s left  reward 1.235',
        'train 6/20  1/s, 14s left  reward 1.235',
        'train 11/20  1/s, 9s left  reward 1.235',
        'train 16/20  1/s, 4s left  reward 1.235',
        '',
      ].join('\n'),
    );
  });

  it('measures the speed of what it has seen: a resumed job, and one that got faster', () => {
    const { progress, time, text } = setUp(false);
    progress.start(1000, 'train', 900);
    time.now = 20_000;
    progress.update(901);
    expect(text()).toBe('train 901/1000  20s each, 33m00s left\n');
    for (let i = 902; i <= 990; i++) {
      time.now += 500;
      progress.update(i);
    }
    text();
    progress.stop();
    expect(text()).toBe('train 990/1000  2/s, 5s left\n');
  });

  it('ends the bar in the line in which it stands, not where it began', () => {
    const { progress, text } = setUp(true);
    progress.start(10, 'train');
    text();
    progress.stop();
    const [save, restore] = ['\x1b7', '\x1b8'];
    const ended = text();
    expect(ended.indexOf(save)).toBeGreaterThanOrEqual(0);
    expect(ended.lastIndexOf(restore)).toBeGreaterThan(ended.indexOf(save));
  });

  it('draws a bar on a terminal', () => {
    const { progress, time, text } = setUp(true);
    progress.start(4, 'evaluate', 1);
    time.now = 1000;
    progress.update(2, { miou: 0.5 });
    progress.stop();
    expect(text()).toContain('evaluate ━━━━━━━━━━━━──────────── 2/4  1/s, 2s left  miou 0.5');
  });
});

describe('formatDuration', () => {
  it.each([
    [0.4, '0s'],
    [59.6, '1m00s'],
    [3599, '59m59s'],
    [7500, '2h05m'],
  ])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});
