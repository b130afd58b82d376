import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { smartResize } from '../../src/video/smart-resize.js';

// Made by scripts/fixtures/smart_resize.py.
const fixture = new URL('../fixtures/smart-resize.json', import.meta.url);
type Case = [
  height: number,
  width: number,
  factor: number,
  minPixels: number,
  maxPixels: number,
  [number, number] | null,
];
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[] };

describe('smartResize', () => {
  it(`answers as transformers in ${cases.length} cases`, () => {
    expect(cases.length).toBeGreaterThan(500);
    for (const [height, width, factor, minPixels, maxPixels, answer] of cases) {
      const resize = () => smartResize({ height, width, factor, minPixels, maxPixels });
      const label = `${height}x${width}, ${factor}, ${minPixels}…${maxPixels}`;
      if (answer === null) expect(resize, label).toThrow(RangeError);
      else expect(resize(), label).toEqual({ height: answer[0], width: answer[1] });
    }
  });

  it('rounds halves to the even multiple', () => {
    const bounds = { factor: 28, minPixels: 1, maxPixels: 1e6 };
    expect(smartResize({ height: 70, width: 42, ...bounds })).toEqual({ height: 56, width: 56 });
  });
});
