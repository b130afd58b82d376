import stringWidth from 'string-width';

/** One column of a text table. */
export interface Column {
  title: string;
  /** Numbers read best aligned to the right. */
  align?: 'left' | 'right';
}

/** Aligned columns under their titles and a rule, as text that ends in a line feed. Short rows are filled up. */
export function table({ columns, rows }: { columns: Column[]; rows: string[][] }): string {
  const widths = columns.map(({ title }, i) =>
    Math.max(stringWidth(title), ...rows.map((row) => stringWidth(row[i] ?? ''))),
  );
  const line = (cells: string[]) =>
    columns
      .map(({ align }, i) => pad(cells[i] ?? '', widths[i]!, align))
      .join('  ')
      .trimEnd();
  const head = line(columns.map(({ title }) => title));
  const rule = widths.map((n) => '─'.repeat(n)).join('  ');
  return [head, rule, ...rows.map(line)].map((text) => `${text}\n`).join('');
}

function pad(text: string, length: number, align: Column['align']): string {
  const space = ' '.repeat(length - stringWidth(text));
  return align === 'right' ? space + text : text + space;
}
