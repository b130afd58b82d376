import { expect, test } from 'vitest';
import { formatCsvRow, parseCsv } from '../../src/dataset/csv.js';

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

test('what is written is read again', () => {
  const fields = ['plain', 'with, comma', 'with "quotes"', 'two\nlines', ''];
  expect(parseCsv(formatCsvRow(fields)).rows[0]!.fields).toEqual(fields);
});
