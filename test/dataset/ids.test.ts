import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rowKeys, sampleIds } from '../../src/dataset/ids.js';

const idsOf = (files: string[], others: string[] = []) =>
  sampleIds({
    sources: files.map((annotations) => ({ annotations })),
    others: others.map((annotations) => ({ annotations })),
  }).map((idOf) => idOf({ key: '4', task: 'qa' }));

describe('a file is named by the end of its path', () => {
  test.each([
    [['data/val.csv'], ['val.csv:4:qa']],
    [
      ['one/val.csv', 'two/val.csv', 'two/more.csv'],
      ['one/val.csv:4:qa', 'two/val.csv:4:qa', 'more.csv:4:qa'],
    ],
    [
      ['x/a/val.csv', 'y/a/val.csv', 'z/b/val.csv'],
      ['x/a/val.csv:4:qa', 'y/a/val.csv:4:qa', 'b/val.csv:4:qa'],
    ],
    [
      ['val.csv', 'data/val.csv'],
      ['val.csv:4:qa', 'data/val.csv:4:qa'],
    ],
    [
      ['/data/val.csv', 'data/val.csv'],
      ['/data/val.csv:4:qa', 'data/val.csv:4:qa'],
    ],
    [
      ['data/x', 'data/x:4'],
      ['x:4:qa', 'x%3A4:4:qa'],
    ],
  ])('%j', (files, ids) => {
    expect(idsOf(files)).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('held-out files are told from those of training', () => {
    expect(idsOf(['a/set.jsonl'], ['b/set.jsonl'])).toEqual(['a/set.jsonl:4:qa']);
    expect(idsOf(['b/set.jsonl'], ['a/set.jsonl'])).toEqual(['b/set.jsonl:4:qa']);
    expect(idsOf(['set.jsonl'], [resolve('set.jsonl')])).toEqual(['set.jsonl:4:qa']);
  });

  test('files that move together keep their ids', () => {
    expect(idsOf(['here/msad/t.csv', 'here/ucf/t.csv'])).toEqual(idsOf(['/mnt/x/y/msad/t.csv', '/mnt/x/y/ucf/t.csv']));
  });
});

test('a file that is named again for a task numbers its ids anew', () => {
  const sources = [
    { annotations: 'a.jsonl', task: 'qa' as const },
    { annotations: './a.jsonl', task: 'tag' as const },
    { annotations: resolve('a.jsonl') },
    { annotations: 'a.jsonl', task: 'qa' as const },
  ];
  const ids = sampleIds({ sources });
  expect(ids.map((idOf, i) => idOf({ key: 'x', task: sources[i]!.task ?? 'qa' }))).toEqual([
    'a.jsonl:x:qa',
    'a.jsonl:x:tag',
    'a.jsonl:x:qa#2',
    'a.jsonl:x:qa#3',
  ]);
  expect(ids[2]!({ key: 'x', task: 'tag' })).toBe('a.jsonl:x:tag#2');
  expect(ids[2]!({ key: 'x', task: 'cls' })).toBe('a.jsonl:x:cls');
});

test('a line never stands for a row whose own id is its number', () => {
  expect(rowKeys([{ id: '2', line: 1 }, { line: 2 }, { line: 3 }])).toEqual(['2', 'line 2', '3']);
});
