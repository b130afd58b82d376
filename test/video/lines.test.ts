import { expect, it } from 'vitest';
import { lineCutter } from '../../src/video/lines.js';

const linesOf = (chunks: Buffer[]): string[] => {
  const lines: string[] = [];
  const { chunk, end } = lineCutter((line) => lines.push(line));
  for (const one of chunks) chunk(one);
  end();
  return lines;
};

it('gives the same lines however the text is cut, within a letter too', () => {
  const text = Buffer.from('Café\n\nzwei\nlast');
  const bytes = [...text].map((byte) => Buffer.from([byte]));
  expect(linesOf([text])).toEqual(['Café', '', 'zwei', 'last']);
  expect(linesOf(bytes)).toEqual(['Café', '', 'zwei', 'last']);
});

it('gives no line after the last end of one', () => {
  expect(linesOf([Buffer.from('a\n')])).toEqual(['a']);
  expect(linesOf([])).toEqual([]);
});

it('keeps little of a line that does not end', () => {
  const chunk = Buffer.alloc(2 ** 16, 'x');
  expect(linesOf(Array.from({ length: 8 }, () => chunk))).toEqual(['x'.repeat(2 ** 16)]);
});
