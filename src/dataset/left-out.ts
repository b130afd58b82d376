import type { LeftOut } from './annotation.js';

const ROWS_SHOWN = 8;

/** Collects rows by reason, in the order in which the reasons first occur. */
export class LeftOutRows {
  readonly #rows = new Map<string, number[]>();

  add({ reason, row }: { reason: string; row: number }): void {
    const rows = this.#rows.get(reason);
    if (rows) rows.push(row);
    else this.#rows.set(reason, [row]);
  }

  list(): LeftOut[] {
    return [...this.#rows].map(([reason, rows]) => ({ reason, count: rows.length, rows }));
  }
}

/** One sentence for each reason, for the log: `val.csv: 3 rows left out: no times annotated (rows 4, 9, 17)`. */
export function describeLeftOut({ file, leftOut }: { file: string; leftOut: LeftOut[] }): string[] {
  return leftOut.map(({ reason, count, rows }) => {
    const shown = rows.slice(0, ROWS_SHOWN).join(', ');
    const more = count > ROWS_SHOWN ? ', …' : '';
    return `${file}: ${count} ${count === 1 ? 'row' : 'rows'} left out: ${reason} (row ${shown}${more})`;
  });
}
