/** One column of a text table. */
export interface Column {
  title: string;
  /** Numbers read best aligned to the right. */
  align?: 'left' | 'right';
}

/** Aligned columns under their titles and a rule, as text that ends in a line feed. Short rows are filled up. */
export function table({ columns, rows }: { columns: Column[]; rows: string[][] }): string {
  const widths = columns.map(({ title }, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ''))));
  const line = (cells: string[]) =>
    columns
      .map(({ align }, i) => pad(cells[i] ?? '', widths[i]!, align))
      .join('  ')
      .trimEnd();
  const head = line(columns.map(({ title }) => title));
  const rule = widths.map((n) => '─'.repeat(n)).join('  ');
  return [head, rule, ...rows.map(line)].map((text) => `${text}\n`).join('');
}

/** Characters as people count them, so that “é” in two code points is one. */
function width(text: string): number {
  return [...text.normalize('NFC')].length;
}

function pad(text: string, length: number, align: Column['align']): string {
  const space = ' '.repeat(length - width(text));
  return align === 'right' ? space + text : text + space;
}
