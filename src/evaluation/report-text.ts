import { type Column, table } from '../system/table.js';
import type { BlindTable } from './blind-report.js';
import type { Difference } from './comparison.js';
import type { Figure } from './figures.js';
import type { EvaluationReport, Section } from './report.js';

const right = (title: string): Column => ({ title, align: 'right' });

/** Numbers that are no parts of 1 are told as they are, with what they are of. */
const PLAIN: readonly [RegExp, string][] = [
  [/^vau_eval$/, ' (of 50)'],
  [/^vau_eval\//, ' (of 10)'],
  [/^cider$/, ' (of 10)'],
  [/^kappa\//, ' (−1 to 1)'],
];
const scaleOf = (metric: string): string | undefined => PLAIN.find(([pattern]) => pattern.test(metric))?.[1];

/** A figure's numbers as people read them: parts of 1 in percent. */
function shown(metric: string, value: number): string {
  const text = scaleOf(metric) === undefined ? (100 * value).toFixed(1) : value.toFixed(2);
  return text.replace('-', '−');
}

/** A report for people: a table for each task, prompt and source, parts of 1 in percent. */
export function reportText(report: EvaluationReport): string {
  const prompts = new Set(report.sections.map(({ prompt }) => prompt));
  return report.sections.map((section) => sectionText(section, prompts.size > 1)).join('\n');
}

function sectionText(section: Section, namesPrompt: boolean): string {
  const { task, source, prompt, samples, videos, figures, problems, judge, tokens, seconds } = section;
  const title = [
    task,
    ...(source === 'all' ? [] : [source]),
    ...(namesPrompt ? [`prompt ${prompt}`] : []),
    `${counted(samples, 'sample')} of ${counted(videos, 'video')}`,
  ].join(', ');
  const columns = [
    { title: 'metric' },
    right('%'),
    right('95 % interval'),
    right('samples'),
    right('blind %'),
    { title: 'blind guesser' },
  ];
  const rows = figures.filter(({ isDetail }) => !isDetail).map(figureRow);
  const wrong = Object.entries(problems).map(([problem, count]) => `${count} × ${problem}`);
  const failed = Object.entries(judge?.failed ?? {}).map(([reason, count]) => `${count} × ${reason}`);
  const cost = [
    ...(tokens === undefined ? [] : [`${tokens.toFixed(1)} tokens`]),
    ...(seconds === undefined ? [] : [`${seconds.toPrecision(2)} s`]),
  ];
  return [
    `${title}\n`,
    table({ columns, rows }),
    ...frameGuesses(figures),
    ...(wrong.length === 0 ? [] : [`not in form: ${wrong.join('; ')}\n`]),
    ...(judge === undefined
      ? []
      : [`graded: ${judge.graded}${failed.length === 0 ? '' : `; no grade: ${failed.join('; ')}`}\n`]),
    ...(cost.length === 0 ? [] : [`an answer: ${cost.join(', ')}\n`]),
  ].join('');
}

/** Of scores of frames there are two that are always worth knowing. */
function frameGuesses(figures: readonly Figure[]): string[] {
  const scored = figures.filter(({ metric, guesses }) => metric.startsWith('frame_') && guesses !== undefined);
  return scored.map(({ metric, guesses = {} }) => {
    const all = Object.entries(guesses).map(([name, value]) => `${name} ${shown(metric, value)}`);
    return `${metric}: ${all.join(', ')}\n`;
  });
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

function figureRow({ metric, value, low, high, count, blind }: Figure): string[] {
  const of = (number: number) => shown(metric, number);
  return [
    metric + (scaleOf(metric) ?? ''),
    of(value),
    `${of(low)}–${of(high)}`,
    String(count),
    blind === undefined ? '' : of(blind.value),
    blind?.name ?? '',
  ];
}

/** Two models beside each other. @param names what to call them */
export function comparisonText(differences: readonly Difference[], names: [string, string]): string {
  const prompts = new Set(differences.map(({ prompt }) => prompt));
  const columns = [
    { title: 'task' },
    { title: 'metric' },
    right('samples'),
    right(names[0]),
    right(names[1]),
    right('difference'),
    right('95 % interval'),
    right('p'),
  ];
  const rows = differences.map(({ task, prompt, metric, count, first, second, difference, low, high, p }) => {
    const of = (number: number) => shown(metric, number);
    return [
      prompts.size > 1 ? `${task} (${prompt})` : task,
      metric,
      String(count),
      of(first),
      of(second),
      of(difference),
      `${of(low)} to ${of(high)}`,
      p < 0.001 ? '< 0.001' : p.toFixed(3),
    ];
  });
  return table({ columns, rows });
}

/** What guessers get, a table for each file and task: a row a metric, a column a guesser. */
export const blindText = (tables: readonly BlindTable[]): string => tables.map(blindTableText).join('\n');

function blindTableText({ file, task, samples, videos, train, guessers }: BlindTable): string {
  const from = train.source === undefined ? '' : ` of ${train.source}`;
  const title = `${file}, ${task}: ${counted(samples, 'sample')} of ${counted(videos, 'video')}; guessers have read ${train.samples}${from}\n`;
  const columns = [{ title: 'metric' }, right('samples'), ...guessers.map(({ name }) => right(`${name}, %`))];
  const metrics = (guessers[0]?.figures ?? []).filter(({ isDetail }) => !isDetail);
  const rows = metrics.map(({ metric, count }) => [
    metric,
    String(count),
    ...guessers.map(({ figures }) => {
      const own = figures.find((figure) => figure.metric === metric);
      return own === undefined
        ? ''
        : `${(100 * own.value).toFixed(2)} (${shown(metric, own.low)}–${shown(metric, own.high)})`;
    }),
  ]);
  return title + table({ columns, rows });
}
