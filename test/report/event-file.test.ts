import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventFile } from '../../src/report/event-file.js';

/** By TensorBoard's own writer: scripts/fixtures/event_file.py. */
const fixture = JSON.parse(readFileSync(new URL('../fixtures/event-file.json', import.meta.url), 'utf8')) as {
  text: string;
  image: string;
  file: string;
};

test('event files are TensorBoard’s own, byte for byte', () => {
  const file = eventFile([
    { step: 1, time: 1.5, values: [{ tag: 'train/reward', scalar: 0.1 }] },
    {
      step: 70_000,
      time: 1_795_811_392.25,
      values: [
        { tag: 'eval/tag/miou', scalar: -2.5e-9 },
        { tag: 'completions/a', text: fixture.text },
        { tag: 'frames/a', image: { width: 300, height: 3, encoded: Buffer.from(fixture.image, 'hex') } },
      ],
    },
  ]);
  expect(Buffer.from(file).toString('hex')).toBe(fixture.file);
});
