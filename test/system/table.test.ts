import { expect, it } from 'vitest';
import { table } from '../../src/system/table.js';

it('aligns columns, left or right, and fills up short rows', () => {
  const columns = [{ title: 'task' }, { title: 'miou', align: 'right' as const }, { title: 'é' }];
  expect(
    table({
      columns,
      rows: [
        ['tag', '0.5'],
        ['classes', '10.25', 'e\u0301x'],
      ],
    }),
  ).toBe(['task      miou  é', '───────  ─────  ──', 'tag        0.5', 'classes  10.25  e\u0301x', ''].join('\n'));
});

it('counts wide characters as the two columns that they take', () => {
  const rows = [
    ['火灾', '1'],
    ['🔥 fire', '2'],
    ['fall', '3'],
  ];
  const lines = table({ columns: [{ title: 'class' }, { title: 'n', align: 'right' as const }], rows }).split('\n');
  expect(lines).toEqual(['class    n', '───────  ─', '火灾     1', '🔥 fire  2', 'fall     3', '']);
});
