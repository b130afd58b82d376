import { type Column, table } from '../src/system/table.js';
import { isOurs } from './contenders.js';
import { describeMachine } from './machine.js';
import { markdownTable } from './markdown.js';
import { type Measurement, productPeak } from './measurement.js';
import { type BenchResult, type Entry, parts, quickest, type SettingResult } from './results.js';

const MEBIBYTE = 2 ** 20;

const COLUMNS: Column[] = [
  { title: 'contender' },
  { title: 'dtype' },
  ...[
    's/step',
    'rollout',
    'reference',
    'policy',
    'optimizer',
    'tokens/s',
    'peak MiB',
    'GFLOP/s',
    'of peak',
    '× ours',
  ].map((title): Column => ({ title, align: 'right' })),
];

/** What the columns mean; under the tables. */
export const LEGEND = `s/step: median of the timed steps, with its parts in seconds. tokens/s: completion tokens sampled and trained on.
peak: of the process, loading included. GFLOP/s: the products of a step that computes prompt and video once, over its
seconds; of peak: against this machine's quickest product of two 2048 × 2048 matrices.
× ours: seconds against our quickest.`;

/** Cells of a setting's table. */
function rowsOf({ result, flops, entries }: SettingResult & { result: BenchResult }): string[][] {
  const ours = quickest(entries.filter(({ contender }) => isOurs(contender)));
  const peak = productPeak(result.machine.rates);
  return entries.map(({ contender, measurement, failure }) => {
    const head = [contender.name, contender.dtype];
    if (measurement === undefined) return [...head, failure === undefined ? '' : 'failed'];
    const { seconds, tokens, peak_rss_bytes } = measurement;
    const { rollout, reference, policy, optimizer } = parts(measurement);
    const rate = flops / seconds / 1e9;
    return [
      ...head,
      ...[seconds, rollout, reference, policy, optimizer].map((value) => value.toFixed(2)),
      ((tokens.generations * tokens.completion) / seconds).toFixed(0),
      (peak_rss_bytes / MEBIBYTE).toFixed(0),
      rate.toFixed(0),
      `${((100 * rate) / peak).toFixed(1)} %`,
      ours === undefined ? '' : (seconds / ours.seconds).toFixed(2),
    ];
  });
}

/** The statements that the benchmark is run for: how many times as long the others take. */
export function ratios(entries: Entry[]): string[] {
  const of = (name: string, ...dtypes: string[]) =>
    quickest(
      entries.filter(
        ({ contender }) => contender.name === name && (!dtypes.length || dtypes.includes(contender.dtype)),
      ),
    );
  const against = (label: string, peer: Measurement | undefined, ours: Measurement | undefined) => {
    if (peer === undefined || ours === undefined) return [];
    const time = (peer.seconds / ours.seconds).toFixed(2);
    const memory = (ours.peak_rss_bytes / peer.peak_rss_bytes).toFixed(2);
    return [
      `${label} (${peer.dtype}) takes ${time} times as long as vau-rft (${ours.dtype}), which takes ${memory} of its memory`,
    ];
  };
  return [
    ...against('TRL in its better dtype', of('trl'), of('vau-rft')),
    ...against('VAU-R1’s step', of('vau-r1'), of('vau-rft')),
    ...against('the shared prefix in PyTorch', of('shared-prefix', 'float32'), of('vau-rft', 'float32')),
    ...against('the shared prefix in PyTorch', of('shared-prefix', 'bfloat16', 'mixed'), of('vau-rft', 'bfloat16')),
  ];
}

const titleOf = ({ setting: { prompt, generations, completion } }: SettingResult): string =>
  `prompt ${prompt} tokens, G = ${generations}, completions of ${completion}`;

/** A setting for the terminal. */
export function terminalReport(result: BenchResult, setting: SettingResult): string {
  const failures = setting.entries.flatMap(({ failure }) => failure ?? []);
  const lines = [...ratios(setting.entries), ...failures].map((line) => `${line}\n`);
  return `\n${titleOf(setting)}\n${table({ columns: COLUMNS, rows: rowsOf({ ...setting, result }) })}${lines.join('')}`;
}

/** All of it for `docs/performance.md`. */
export function markdownReport(result: BenchResult): string {
  const { machine, date, model, steps } = result;
  const head = `${date.slice(0, 10)}, ${describeMachine(machine)}; model ${model}; median of ${steps} step${steps === 1 ? '' : 's'}.`;
  const sections = result.settings.map((setting) => {
    const rows = rowsOf({ ...setting, result });
    const claims = ratios(setting.entries).map((claim) => `- ${claim}`);
    return [`### ${titleOf(setting)}`, markdownTable({ columns: COLUMNS, rows }), claims.join('\n')].join('\n\n');
  });
  return [head, ...sections, LEGEND].join('\n\n');
}
