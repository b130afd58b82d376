import { parquetWriteFile } from 'hyparquet-writer';
import { readRecords } from '../run/jsonl.js';
import { putInPlace } from '../system/put-in-place.js';

/** What a row has of its line, and how. */
const COLUMNS = [
  ['step', 'INT32'],
  ['sample_id', 'STRING'],
  ['generation', 'INT32'],
  ['prompt', 'STRING'],
  ['text', 'STRING'],
  ['reward', 'DOUBLE'],
  ['advantage', 'DOUBLE'],
  ['truncated', 'BOOLEAN'],
] as const;

/** Writes `completions.jsonl` as a Parquet table, with a column for each reward. @returns rows */
export async function writeCompletionsTable({ from, file }: { from: string; file: string }): Promise<number> {
  const columns = new Map<string, unknown[]>(COLUMNS.map(([name]) => [name, []]));
  let rows = 0;
  await readRecords(from, (record) => {
    for (const [name] of COLUMNS) columns.get(name)!.push(record[name] ?? null);
    for (const [term, value] of Object.entries((record.rewards ?? {}) as Record<string, number | null>)) {
      const name = `rewards/${term}`;
      const column = columns.get(name) ?? Array(rows).fill(null);
      column.push(value);
      columns.set(name, column);
    }
    rows += 1;
    for (const column of columns.values()) if (column.length < rows) column.push(null);
  });
  const types = new Map<string, 'INT32' | 'STRING' | 'DOUBLE' | 'BOOLEAN'>(COLUMNS);
  const columnData = [...columns].map(([name, data]) => ({
    name,
    data,
    type: types.get(name) ?? ('DOUBLE' as const),
    nullable: true,
  }));
  await putInPlace({
    place: file,
    make: async (beside) => void (await parquetWriteFile({ filename: beside, columnData })),
  });
  return rows;
}
