import { expect, test } from 'vitest';
import type { Annotation } from '../../src/dataset/annotation.js';
import { splitDataset } from '../../src/dataset/split.js';

const row = (name: string, label: string, line: number): Annotation => ({
  line,
  visuals: [{ kind: 'video', name }],
  choice: { absent: 'no question' },
  segment: { value: { kind: 'unknown' } },
  class: { value: label },
});

const rows = Array.from({ length: 100 }, (_, i) =>
  row(`v${Math.floor(i / 2)}.mp4`, i % 20 < 10 ? 'Fire' : 'Normal', i + 1),
);
const parts = [
  { name: 'train', share: 70 },
  { name: 'val', share: 15 },
  { name: 'test', share: 15 },
];
const names = (annotations: readonly Annotation[]) => new Set(annotations.map(({ visuals }) => visuals[0]!.name));

test('parts share no video, hold all rows, and each class in its share', () => {
  const splits = splitDataset({ annotations: rows, parts, seed: 1 });
  expect(splits.flatMap(({ annotations }) => annotations).length).toBe(100);
  const [train, val, held] = splits.map(({ annotations }) => names(annotations));
  expect([...train!].filter((name) => val!.has(name) || held!.has(name))).toEqual([]);
  expect([train!.size, val!.size, held!.size]).toEqual([35, 8, 7]);
  for (const { annotations } of splits) {
    const fire = annotations.filter((one) => 'value' in one.class && one.class.value === 'Fire').length;
    expect(Math.abs(fire / annotations.length - 0.5)).toBeLessThan(0.1);
  }
});

test('by the seed and the names alone', () => {
  const split = (annotations: Annotation[], seed: number) =>
    splitDataset({ annotations, parts, seed }).map((one) => [...names(one.annotations)].sort());
  expect(split(rows.toReversed(), 1)).toEqual(split(rows, 1));
  expect(split(rows, 2)).not.toEqual(split(rows, 1));
});

test('clips of one source video stay together where a pattern tells it', () => {
  const clips = Array.from({ length: 60 }, (_, i) => row(`cam${i % 6}_clip_${i}.mp4`, 'Fire', i + 1));
  const splits = splitDataset({ annotations: clips, parts, source: /^(cam\d+)_/, seed: 1 });
  const cameras = splits.map(({ annotations }) => new Set([...names(annotations)].map((name) => name.slice(0, 4))));
  expect(cameras.reduce((sum, { size }) => sum + size, 0)).toBe(6);
});

test('a source’s prefix and an ending make no other video', () => {
  const same = [row('ucf_a.mp4', 'Fire', 1), row('a.avi', 'Fire', 2), row('b.mp4', 'Fire', 3)];
  const halves = splitDataset({
    annotations: same,
    parts: [
      { name: 'x', share: 1 },
      { name: 'y', share: 1 },
    ],
    seed: 1,
  });
  expect(halves.map(({ annotations }) => annotations.length).sort()).toEqual([1, 2]);
});
