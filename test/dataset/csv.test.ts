import { stringify } from 'csv-stringify/sync';
import { expect, test, vi } from 'vitest';
import { parseCsv } from '../../src/dataset/csv.js';

test('rows know the line that they begin on, line breaks in a field and empty lines counted', () => {
  expect(parseCsv('a,b\n"x\ny",2\n\n3,4\n').rows).toEqual([
    { line: 1, fields: ['a', 'b'] },
    { line: 2, fields: ['x\ny', '2'] },
    { line: 5, fields: ['3', '4'] },
  ]);
});

test.each(['\n', '\r\n', '\r'])('line ends %j', (eol) => {
  expect(parseCsv(['a,b', '1,2', '3,4'].join(eol)).rows.map(({ fields }) => fields)).toEqual([
    ['a', 'b'],
    ['1', '2'],
    ['3', '4'],
  ]);
});

test('a quote that is never closed costs its own line only', () => {
  const { rows, broken } = parseCsv('a,b\n"1,2\n3,4\n5,6\n');
  expect(broken).toEqual([2]);
  expect(rows.map(({ line, fields }) => [line, ...fields])).toEqual([
    [1, 'a', 'b'],
    [3, '3', '4'],
    [4, '5', '6'],
  ]);
});

test('a quote within a field costs its own line only', () => {
  const { rows, broken } = parseCsv('a,b\n1,2\n3,x"y\n\n"5","z"\n7,"8"9\n10,11');
  expect(broken).toEqual([3, 6]);
  expect(rows.map(({ line, fields }) => [line, ...fields])).toEqual([
    [1, 'a', 'b'],
    [2, '1', '2'],
    [5, '5', 'z'],
    [7, '10', '11'],
  ]);
});

test('rows reach over many lines, and bad quotes into any', () => {
  const long = Array.from({ length: 200 }, (_, i) => `line ${i}`).join('\n');
  const text = ['a,b', ...Array(70).fill('1,2'), `"${long}",2`, 'x"y,1', '"open,2', ...Array(70).fill('3,4')].join(
    '\n',
  );
  const { rows, broken } = parseCsv(text);
  expect(broken).toEqual([272, 273]);
  expect(rows).toHaveLength(142);
  expect(rows[71]).toEqual({ line: 72, fields: [long, '2'] });
  expect(rows[72]).toEqual({ line: 274, fields: ['3', '4'] });
  expect(rows.at(-1)).toEqual({ line: 343, fields: ['3', '4'] });
});

test('the work grows with the text, however many quotes are bad', () => {
  const parsed = vi.spyOn(Array.prototype, 'join');
  const { broken } = parseCsv(`a,b\n${'1,x"y\n'.repeat(2000)}`);
  const characters = parsed.mock.results.reduce((sum, { value }) => sum + String(value).length, 0);
  parsed.mockRestore();
  expect(broken).toHaveLength(2000);
  // 16 lines of 6 characters for each; all that follows would be 6000.
  expect(characters / 2000).toBeLessThan(200);
});

test('what is written is read again', () => {
  const fields = ['plain', 'with, comma', 'with "quotes"', 'two\nlines', ''];
  expect(parseCsv(stringify([fields])).rows[0]!.fields).toEqual(fields);
});

test('a field of thousands of lines is one field, among bad quotes', () => {
  const long = Array.from({ length: 3000 }, (_, i) => `line ${i}`).join('\n');
  const { rows, broken } = parseCsv(`a,b\n1,x"y\n"${long}",2\n"never closed\n${'3,4\n'.repeat(2000)}5,x"y\n6,7`);
  expect(broken).toEqual([2, 3003, 5004]);
  expect(rows).toHaveLength(1 + 1 + 2000 + 1);
  expect(rows[1]).toEqual({ line: 3, fields: [long, '2'] });
  expect(rows.at(-1)).toEqual({ line: 5005, fields: ['6', '7'] });
});
