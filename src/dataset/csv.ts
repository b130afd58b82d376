import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';

export interface CsvRow {
  /** Line of the text that the row begins on; the first is 1. */
  line: number;
  fields: string[];
}

/** Lines that are parsed at once: after a bad quote all that follows in them is parsed again. */
const CHUNK = 16;

/**
 * The rows of a CSV text (RFC 4180; any line ends; empty lines do not count). Rows may differ in length. A quote that
 * is never closed, or closed in the middle of a field, costs the line that it stands in: reading goes on with the next.
 */
export function parseCsv(text: string): { rows: CsvRow[]; broken: number[] } {
  const lines = text.split(/\r\n|\n|\r/);
  const odd = lines.map((line) => (line.split('"').length - 1) % 2 === 1);
  const rows: CsvRow[] = [];
  const broken: number[] = [];
  let done = 0;
  while (done < lines.length) {
    const before = done;
    const end = chunkEnd({ odd, from: before });
    try {
      parse(lines.slice(before, end).join('\n'), {
        relax_column_count: true,
        skip_empty_lines: true,
        record_delimiter: '\n',
        on_record: (fields: string[], { lines: read }) => {
          rows.push({ line: before + read - breaksIn(fields), fields });
          done = before + read;
          return null;
        },
      });
      done = end;
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
      if (lines[done]!.trim() !== '') broken.push(done + 1);
      done += 1;
    }
  }
  return { rows, broken };
}

/** The first line, a chunk further, that no row reaches over: up to it quotes are even, so that all are closed. */
function chunkEnd({ odd, from }: { odd: readonly boolean[]; from: number }): number {
  let open = false;
  for (let i = from; i < odd.length; i++) {
    open = open !== odd[i];
    if (!open && i + 1 - from >= CHUNK) return i + 1;
  }
  return odd.length;
}

const breaksIn = (fields: string[]) => fields.reduce((sum, field) => sum + field.split('\n').length - 1, 0);
