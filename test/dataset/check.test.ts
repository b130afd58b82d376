import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkDataset, type DatasetReport } from '../../src/dataset/check.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { folderWith, vauBench } from './temporary.js';

test('usable samples, reasons, balance, times, videos and what two files share', async () => {
  const folder = await folderWith({
    'val.csv': vauBench([
      { video: 'ecva_1.mp4' },
      {
        video: 'ecva_2.mp4',
        answer: 'D. nothing',
        label: 'Normal',
        times: '0.0,0.0',
        reasoning: "\"{'Key Evidence': ['a', 'b']}\"",
      },
      { video: 'ucf_gone.mp4', answer: 'E', label: '-1', times: '-1.0,-1.0', reasoning: '-1', description: '-1' },
      { video: '../3.mp4', answer: 'B', times: '0.0,700.0', reasoning: '### Location: **here**  ### 减速' },
      'ragged',
    ]),
    'test.csv': vauBench([{ video: '1.mp4' }, { video: '9.mp4' }]),
    'videos/1.mp4': '',
    'videos/x/2.mp4': '',
    'videos/y/2.mp4': '',
  });
  const files = ['val.csv', 'test.csv'].map((name) => join(folder, name));
  const report = await checkDataset({ files, videos: join(folder, 'videos'), classes });
  expect(report.overlaps).toEqual([{ files, videos: ['ecva_1.mp4'] }]);
  const [val] = report.files;
  expect(val).toEqual({
    file: files[0]!,
    source: 'vau-bench',
    rows: 5,
    unreadable: [{ reason: 'not as many fields as columns', count: 1, rows: [6] }],
    unused: [],
    tasks: {
      qa: {
        usable: 1,
        leftOut: [
          { reason: 'several files fit the name', count: 1, rows: [3] },
          { reason: 'the correct option is not one of A, B, C, D', count: 1, rows: [4] },
          { reason: 'the video name leads out of the folder of videos', count: 1, rows: [5] },
        ],
      },
      tag: expect.objectContaining({ usable: 1 }),
      cls: expect.objectContaining({ usable: 1 }),
      reasoning: expect.objectContaining({ usable: 1 }),
    },
    segments: { interval: 2, normal: 1, unknown: 1, unusable: 0 },
    times: { startsAtZero: 1, endsAfterTenMinutes: 1, latestEnd: 700, shortest: 2.5, median: 351.25, longest: 700 },
    answers: { A: 1, B: 1, C: 0, D: 1 },
    spelledOut: 1,
    classes: { Fighting: 2, Normal: 1 },
    reasoning: {
      headings: 1,
      dict: 1,
      text: 1,
      irregularHeadings: 1,
      evidenceLists: 1,
      bold: 1,
      doubleSpaces: 1,
      cjk: 1,
    },
    prefixes: { ecva: 2, ucf: 1 },
    videos: {
      names: 4,
      found: 1,
      missing: ['ucf_gone.mp4'],
      ambiguous: ['ecva_2.mp4'],
      refused: ['../3.mp4'],
      remote: [],
    },
  } satisfies DatasetReport);
});

const benchmark = process.env.VAU_BENCH_DIR;

/** Figures of the released files, counted independently of this code. */
const FIGURES = {
  'val.csv': {
    rows: 734,
    usable: { qa: 734, tag: 553, cls: 734, reasoning: 734 },
    segments: { interval: 339, normal: 214, unknown: 181, unusable: 0 },
    startsAtZero: 161,
    endsAfterTenMinutes: 12,
    latestEnd: 5633,
    answers: { A: 396, B: 291, C: 37, D: 10 },
    spelledOut: 0,
    normal: 214,
    prefixes: { ecva: 339, ucf: 299, msad: 96 },
    reasoning: {
      headings: 734,
      dict: 0,
      text: 0,
      irregularHeadings: 7,
      evidenceLists: 0,
      bold: 22,
      doubleSpaces: 95,
      cjk: 1,
    },
  },
  'test_msad.csv': {
    rows: 240,
    usable: { qa: 240, tag: 240, cls: 240, reasoning: 240 },
    segments: { interval: 120, normal: 120, unknown: 0, unusable: 0 },
    startsAtZero: 0,
    endsAfterTenMinutes: 0,
    latestEnd: 127.2,
    answers: { A: 164, B: 46, C: 12, D: 18 },
    spelledOut: 8,
    normal: 120,
    prefixes: {},
    reasoning: {
      headings: 240,
      dict: 0,
      text: 0,
      irregularHeadings: 28,
      evidenceLists: 0,
      bold: 80,
      doubleSpaces: 239,
      cjk: 0,
    },
  },
  'test_ucf_crime.csv': {
    rows: 290,
    usable: { qa: 251, tag: 274, cls: 251, reasoning: 251 },
    segments: { interval: 124, normal: 150, unknown: 16, unusable: 0 },
    startsAtZero: 0,
    endsAfterTenMinutes: 0,
    latestEnd: 375,
    answers: { A: 148, B: 81, C: 20, D: 2 },
    spelledOut: 0,
    normal: 123,
    prefixes: {},
    reasoning: {
      headings: 0,
      dict: 251,
      text: 0,
      irregularHeadings: 0,
      evidenceLists: 14,
      bold: 0,
      doubleSpaces: 0,
      cjk: 0,
    },
  },
};

test.skipIf(!benchmark).each(Object.entries(FIGURES))('the released %s', async (name, figures) => {
  const { files } = await checkDataset({ files: [join(benchmark!, name)], classes });
  const {
    rows,
    tasks,
    segments,
    times,
    answers,
    spelledOut,
    classes: labels,
    prefixes,
    reasoning,
    unreadable,
  } = files[0]!;
  expect(unreadable).toEqual([]);
  expect({
    rows,
    usable: Object.fromEntries(Object.entries(tasks).map(([task, { usable }]) => [task, usable])),
    segments,
    startsAtZero: times?.startsAtZero,
    endsAfterTenMinutes: times?.endsAfterTenMinutes,
    latestEnd: times?.latestEnd,
    answers,
    spelledOut,
    normal: labels.Normal,
    prefixes,
    reasoning,
  }).toEqual(figures);
});
