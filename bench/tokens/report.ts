import { type Column, table } from '../../src/system/table.js';
import { type Contender, isOurs, type Setting } from '../contenders.js';
import { describeMachine, type Machine } from '../machine.js';
import { markdownTable } from '../markdown.js';
import { productPeak, type TokenMeasurement } from '../measurement.js';

/** A contender in a setting: what a token step took, or why it was not measured. */
export interface TokenEntry {
  contender: Contender;
  setting: Setting;
  /** What a step has to do. */
  work: { flops: number; bytes: number };
  measurement?: TokenMeasurement;
  failure?: string;
}

/** One run of the benchmark. */
export interface TokenResult {
  date: string;
  machine: Machine;
  model: string;
  steps: number;
  entries: TokenEntry[];
}

const COLUMNS: Column[] = [
  ...['prompt', 'completion', 'G'].map((title): Column => ({ title, align: 'right' })),
  { title: 'contender' },
  { title: 'dtype' },
  ...['ms', 'tokens/s', 'GB/s', 'of reading', 'of peak', '× PyTorch'].map(
    (title): Column => ({ title, align: 'right' }),
  ),
];

const LEGEND = `ms: from the logits of a token of all G completions to those of the next, drawing included; the median. tokens/s: of all G.
GB/s: what has to be read once a step (weights of the decoder and the head, keys and values of the prompt and of the
completions so far), over its seconds; of reading: against this machine's memory, more than all of it where caches hold
some. of peak: the step's products against this machine's quickest product of two 2048 × 2048 matrices.
× PyTorch: tokens/s against those of the shared prefix in PyTorch, in its better dtype.`;

function rowsOf({ machine, entries }: TokenResult): string[][] {
  return entries.map(({ contender, setting, work, measurement }) => {
    const { prompt, completion, generations } = setting;
    const head = [...[prompt, completion, generations].map(String), contender.name, contender.dtype];
    if (measurement === undefined) return [...head, 'failed'];
    const { seconds } = measurement;
    const theirs = entries.flatMap((entry) =>
      entry.setting === setting && !isOurs(entry.contender) ? (entry.measurement?.seconds ?? []) : [],
    );
    const [read, multiplied] = [work.bytes / seconds / 1e9, work.flops / seconds / 1e9];
    return [
      ...head,
      (1000 * seconds).toFixed(2),
      (generations / seconds).toFixed(0),
      read.toFixed(1),
      `${((100 * read) / machine.rates.read).toFixed(0)} %`,
      `${((100 * multiplied) / productPeak(machine.rates)).toFixed(1)} %`,
      theirs.length === 0 ? '' : (Math.min(...theirs) / seconds).toFixed(2),
    ];
  });
}

/** All of it for the terminal. */
export function terminalReport(result: TokenResult): string {
  const failures = result.entries.flatMap(({ failure }) => failure ?? []).map((text) => `${text}\n`);
  const text = table({ columns: COLUMNS, rows: rowsOf(result) });
  return `${describeMachine(result.machine)}\n\n${text}${failures.join('')}\n${LEGEND}\n`;
}

/** All of it for `docs/performance.md`. */
export function markdownReport(result: TokenResult): string {
  const { date, machine, model, steps } = result;
  const head = `${date.slice(0, 10)}, ${describeMachine(machine)}; model ${model}; medians over the tokens of ${steps} completions.`;
  return [head, markdownTable({ columns: COLUMNS, rows: rowsOf(result) }), LEGEND].join('\n\n');
}
