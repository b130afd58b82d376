import type { datasetStats, FileStats } from '../../dataset/stats.js';
import { table } from '../../system/table.js';

type Stats = Awaited<ReturnType<typeof datasetStats>>;

const NAMES_SHOWN = 8;

/** The statistics of annotation files, for people: a column a file. */
export function datasetStatsText({ files, overlaps, same_content }: Stats): string {
  const columns = [{ title: '' }, ...files.map(({ file }) => ({ title: file, align: 'right' as const }))];
  const row = (title: string, of: (stats: FileStats) => string | number | undefined) => {
    const cells = files.map((stats) => of(stats));
    return cells.every((cell) => cell === undefined) ? [] : [[title, ...cells.map((cell) => String(cell ?? '–'))]];
  };
  const seconds = (of: (segments: NonNullable<FileStats['segments']>) => number) => (stats: FileStats) =>
    stats.segments && `${of(stats.segments).toFixed(1)} s`;
  const classes = [...new Set(files.flatMap((stats) => Object.keys(stats.classes)))].sort();
  const rows = [
    ...row('rows', ({ rows: count }) => count),
    ...row('videos', ({ videos }) => videos),
    ...row('hours', ({ hours }) => hours?.toFixed(2)),
    ...row('videos not found', ({ missing }) => missing),
    ...row('question–answer pairs', ({ qa_pairs }) => qa_pairs),
    ...row('words', ({ words }) => words.total),
    ...row('words a video', ({ words }) => words.per_video.toFixed(1)),
    ...row('anomalous, with times', ({ anomalous }) => anomalous),
    ...row('normal', ({ normal }) => normal),
    ...row(
      'shortest segment',
      seconds(({ shortest }) => shortest),
    ),
    ...row(
      'median segment',
      seconds(({ median }) => median),
    ),
    ...row(
      'mean segment',
      seconds(({ mean }) => mean),
    ),
    ...row(
      'longest segment',
      seconds(({ longest }) => longest),
    ),
    ...classes.flatMap((label) => row(`class ${label}`, (stats) => stats.classes[label] ?? 0)),
    ...row('videos named again', ({ repeated }) => Object.keys(repeated).length),
  ];
  const leaks = overlaps.map(
    ({ files: [a, b], videos }) => `${a} and ${b} share ${videos.length} videos by name: ${some(videos)}\n`,
  );
  const same = same_content.map(
    ({ names, across }) =>
      `${across ? 'of several files' : 'within a file'}, the same content: ${some(names.map(({ file, name }) => `${name} (${file})`))}\n`,
  );
  return [table({ columns, rows }), ...leaks, ...same].join('');
}

const some = (names: readonly string[]) =>
  names.slice(0, NAMES_SHOWN).join(', ') + (names.length > NAMES_SHOWN ? `, … (${names.length})` : '');
