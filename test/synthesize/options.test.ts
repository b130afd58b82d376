import { describe, expect, it } from 'vitest';
import { parseSeconds, parseSplits } from '../../src/synthesize/options.js';
import { UsageError } from '../../src/system/errors.js';

describe('parseSplits', () => {
  it('shares clips out, the largest remainder first', () => {
    expect(parseSplits({ text: 'train:3,test:1', clips: 800 })).toEqual({ train: 600, test: 200 });
    expect(parseSplits({ text: 'a:1,b:1,c:1', clips: 11 })).toEqual({ a: 4, b: 4, c: 3 });
    expect(parseSplits({ text: 'train:0.8, test:0.2', clips: 9 })).toEqual({ train: 7, test: 2 });
  });

  it.each(['train', 'train:0', 'train:-1', 'train:1,train:2', ''])('refuses %j', (text) => {
    expect(() => parseSplits({ text, clips: 10 })).toThrow(UsageError);
  });

  it.each([0, -3, 1.5, Number.NaN])('refuses %d clips', (clips) => {
    expect(() => parseSplits({ text: 'train:1', clips })).toThrow(UsageError);
  });
});

describe('parseSeconds', () => {
  it('takes a range or one length', () => {
    expect(parseSeconds('6-8')).toEqual([6, 8]);
    expect(parseSeconds('12')).toEqual([12, 12]);
  });
  it.each(['', '6-', 'long', '6.5-8'])('refuses %j', (text) => {
    expect(() => parseSeconds(text)).toThrow(UsageError);
  });
});
