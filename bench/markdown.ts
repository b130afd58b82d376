import type { Column } from '../src/system/table.js';

/** A table for Markdown. Short rows are filled up. */
export function markdownTable({ columns, rows }: { columns: Column[]; rows: string[][] }): string {
  const head = columns.map(({ title }) => title);
  const rule = columns.map(({ align }) => (align === 'right' ? '--:' : '---'));
  const filled = rows.map((cells) => columns.map((_, i) => cells[i] ?? ''));
  return [head, rule, ...filled].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
