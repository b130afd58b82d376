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
