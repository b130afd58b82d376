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

/** One sentence for each reason, for the log: `val.csv: 3 rows left out: no times annotated (row 4, 9, 17)`. */
export function describeLeftOut({ file, leftOut }: { file: string; leftOut: readonly LeftOut[] }): string[] {
  return leftOut.map((one) => `${file}: ${rowCount(one)} left out: ${one.reason}${rowList(one)}`);
}

/** The same for what rows hold and nobody uses: `mine.jsonl: not used in 2 rows: … (row 1, 2)`. */
export function describeUnused({ file, unused }: { file: string; unused: readonly LeftOut[] }): string[] {
  return unused.map((one) => `${file}: not used in ${rowCount(one)}: ${one.reason}${rowList(one)}`);
}

const rowCount = ({ count }: LeftOut) => `${count} ${count === 1 ? 'row' : 'rows'}`;

/** ` (row 4, 9, …)`; empty where all rows are meant. */
export const rowList = ({ rows }: Pick<LeftOut, 'rows'>) =>
  rows.length === 0 ? '' : ` (row ${rows.slice(0, ROWS_SHOWN).join(', ')}${rows.length > ROWS_SHOWN ? ', …' : ''})`;
