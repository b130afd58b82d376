import type { LeftOut } from '../../dataset/annotation.js';
import type { DatasetReport } from '../../dataset/check.js';
import { describeLeftOut, describeUnused, rowList } from '../../dataset/left-out.js';
import type { Overlap } from '../../dataset/overlap.js';
import { table } from '../../system/table.js';

const NAMES_SHOWN = 10;

/** The report of `dataset check`, for people. */
export function datasetReportText({ files, overlaps }: { files: DatasetReport[]; overlaps: Overlap[] }): string {
  const shared = overlaps.map(
    ({ files: [a, b], videos }) => `${a} and ${b} share ${videos.length} videos: ${some(videos)}\n`,
  );
  return [...files.map(fileText), ...shared].join('\n');
}

function fileText(report: DatasetReport): string {
  const { file, source, rows, unreadable, unused, segments, answers, spelledOut, classes, prefixes } = report;
  const lines = [
    `${file} (${source}): ${rows} rows`,
    '',
    taskTable(report),
    ...reasons(unreadable),
    ...describeUnused({ file: 'fields', unused }).map((line) => line.replace(':', '    ')),
    `times      ${counts({ interval: segments.interval, normal: segments.normal, 'not annotated': segments.unknown, unusable: segments.unusable })}`,
    ...timesLines(report),
    `answers    ${counts(answers)}${spelledOut > 0 ? `; ${spelledOut} spelled out, taken as their letter` : ''}`,
    `classes    ${counts(classes)}`,
    ...(Object.keys(prefixes).length > 0 ? [`prefixes   ${counts(prefixes)}`] : []),
    ...reasoningLines(report),
    ...videoLines(report),
  ];
  return `${lines.join('\n')}\n`;
}

function taskTable({ tasks }: DatasetReport): string {
  const columns = [
    { title: 'task' },
    { title: 'usable', align: 'right' as const },
    { title: 'left out', align: 'right' as const },
    { title: 'why' },
  ];
  const rows = Object.entries(tasks).flatMap(([task, { usable, leftOut }]) => {
    const [first, ...others] = leftOut.map(({ reason, count, rows }) => [
      String(count),
      `${reason}${rowList({ rows })}`,
    ]);
    return [[task, String(usable), ...(first ?? ['0'])], ...others.map((other) => ['', '', ...other])];
  });
  return table({ columns, rows });
}

const reasons = (leftOut: LeftOut[]) =>
  describeLeftOut({ file: 'unreadable', leftOut }).map((line) => line.replace(': ', ' '));

function timesLines({ times }: DatasetReport): string[] {
  if (!times) return [];
  const { startsAtZero, endsAfterTenMinutes, latestEnd, shortest, median, longest } = times;
  const lengths = [shortest, median, longest].map((seconds) => `${seconds.toFixed(2)} s`).join(' / ');
  return [
    `           shortest / median / longest interval ${lengths}`,
    `           ${startsAtZero} start at 0; ${endsAfterTenMinutes} end after 600 s, the last at ${latestEnd} s`,
  ];
}

function reasoningLines({ reasoning: r }: DatasetReport): string[] {
  if (r.headings + r.dict + r.text === 0) return [];
  return [
    `reasoning  ${counts({ 'with headings': r.headings, 'Python dict': r.dict, 'plain text': r.text })}`,
    `           ${counts({ 'irregular headings': r.irregularHeadings, 'evidence as a list': r.evidenceLists, bold: r.bold, 'double spaces': r.doubleSpaces, 'Chinese characters': r.cjk })}`,
  ];
}

function videoLines({ videos }: DatasetReport): string[] {
  if (!videos) return ['videos     not looked for; give their folder with --videos'];
  const { names, found, missing, ambiguous, refused, remote, seen } = videos;
  const lists = Object.entries({
    'not found': missing,
    'fits several files': ambiguous,
    'leads out of the folder': refused,
    'a web address': remote,
    'cannot be read': seen?.unreadable.map(({ name }) => name) ?? [],
    'cut off or damaged': seen?.cutOff ?? [],
  });
  const sentences = [...(seen?.unreadable ?? []).map(({ problem }) => problem), ...(seen?.problems ?? [])];
  return [
    `videos     ${found} of ${names} found`,
    ...lists.flatMap(([what, list]) => (list.length > 0 ? [`           ${what} (${list.length}): ${some(list)}`] : [])),
    ...sentences.slice(0, NAMES_SHOWN).map((sentence) => `           ${sentence}`),
    ...(sentences.length > NAMES_SHOWN
      ? [`           and ${sentences.length - NAMES_SHOWN} more (--json has all)`]
      : []),
  ];
}

const counts = (numbers: Record<string, number>) =>
  Object.entries(numbers)
    .map(([name, number]) => `${name} ${number}`)
    .join(', ');

const some = (names: string[]) => names.slice(0, NAMES_SHOWN).join(', ') + (names.length > NAMES_SHOWN ? ', …' : '');
