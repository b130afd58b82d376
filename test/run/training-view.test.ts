import { PassThrough } from 'node:stream';
import stringWidth from 'string-width';
import { describe, expect, it, test } from 'vitest';
import { sparkline } from '../../src/run/sparkline.js';
import { createTrainingProgress } from '../../src/run/training-view.js';

const ESCAPE = String.fromCharCode(27);
const CODES = new RegExp(`${ESCAPE}\\[[0-9;]*[A-Za-z]`, 'g');

function setUp({ isTTY = true, columns = 80, env = {} as NodeJS.ProcessEnv } = {}) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns }) as unknown as NodeJS.WriteStream;
  const time = { now: 0 };
  const progress = createTrainingProgress({ stream, clock: () => time.now, env });
  const text = () => String((stream as unknown as PassThrough).read() ?? '');
  const step = (n: number, said = 'A car burns.') => {
    time.now += 1000;
    const metrics = {
      step: n,
      reward: n / 10,
      'rewards/format/mean': 1,
      'rewards/temporal_iou/mean': n % 2 ? null : 0.5,
      kl: 0.012345,
      num_tokens: 5000 * n,
      'time/step_s': 1,
      'memory/rss_bytes': 2 ** 30,
      'completions/truncated': 0.25,
    };
    progress.update(n, {}, { metrics, text: said });
  };
  return { progress, text, step };
}

describe('the view of training', () => {
  it('has step, curves, tokens a second, memory, the last completion and the last warning, at 80 columns', () => {
    const { progress, text, step } = setUp({ env: { NO_COLOR: '1' } });
    progress.start(100, 'tag');
    for (let n = 1; n <= 12; n++) step(n, 'word '.repeat(60));
    text();
    progress.stderr.write('warning: completions are cut off\n');
    progress.stop();
    const shown = text().replaceAll(CODES, '').split('\n');
    expect(shown[0]).toBe('warning: completions are cut off');
    const view = shown.slice(-9, -1);
    expect(view[0]).toMatch(/^tag {2}12\/100 {2}1\/s, 1m28s left$/);
    expect(view[1]).toMatch(/^reward +1\.2 {2}▁[▁-█]+█$/);
    expect(view[2]).toMatch(/^format +1 {2}▅+$/);
    expect(view[3]).toMatch(/^temporal_iou +0\.5 {3}▅ ▅/);
    expect(view[4]).toBe('5000 tokens/s  1 GiB  kl 0.01235  cut off 25 %');
    expect(view[5]).toMatch(/^“word word/);
    expect(view[6]).toMatch(/…$/);
    expect(view[7]).toBe('! warning: completions are cut off');
    for (const line of view) expect(stringWidth(line)).toBeLessThan(80);
  });

  it('draws over what it drew before, and leaves the last state', () => {
    const { progress, text, step } = setUp();
    progress.start(10, 'tag');
    step(1);
    const lines = text().split('\n').length - 1;
    step(2);
    expect(text()).toContain(`${ESCAPE}[${lines}A`);
    progress.stop();
    text();
    progress.stderr.write('done: runs/tag\n');
    expect(text()).toBe('done: runs/tag\n');
  });

  it('lets nothing that a model says move the cursor or turn the line', () => {
    const { progress, text, step } = setUp({ env: { NO_COLOR: '1' } });
    progress.start(10, 'tag');
    step(1, `${ESCAPE}[2J${ESCAPE}]0;title\u0007\r\u202eevil\u0000`);
    const shown = text();
    expect(shown.replaceAll(CODES, '')).toContain('evil');
    expect(shown).not.toContain(`${ESCAPE}[2J`);
    for (const character of ['\u0007', '\r', '\u202e', '\u0000', `${ESCAPE}]`]) expect(shown).not.toContain(character);
  });

  it('has colours where they are wanted, and plain lines where there is no terminal', () => {
    const coloured = setUp();
    coloured.progress.start(10, 'tag');
    coloured.step(1);
    expect(coloured.text()).toContain(`${ESCAPE}[1m`);
    const plain = setUp({ isTTY: false });
    plain.progress.start(10, 'tag');
    plain.step(1);
    expect(plain.text()).toMatch(/^tag 1\/10/);
    const dumb = setUp({ env: { TERM: 'dumb' } });
    dumb.progress.start(10, 'tag');
    dumb.step(1);
    expect(dumb.text()).not.toContain('▁');
  });
});

test('a sparkline goes from the lowest to the highest, in as many columns as there are', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20)).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([0, 0, 10, 10], 2)).toBe('▁█');
  expect(sparkline([3, null, 3], 9)).toBe('▅ ▅');
  expect(sparkline([null, null], 9)).toBe('  ');
  expect(sparkline([], 9)).toBe('');
});
