import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { dice, mutate } from '../../../scripts/fuzz/mutate.js';

const BASES = {
  'a.yaml': 'name: a\nmodel: {path: m}\n',
  'a.json': '{"a": [1, {"b": "c"}]}',
  'a.jsonl': '{"a": 1}\n{"b": 2}',
  'a.csv': 'a,b\n1,2\n',
  'a.safetensors': `\u0008\0\0\0\0\0\0\0{"a":{}}12345678`,
};

test.each(Object.entries(BASES))('%s: an input is a function of the seed and its number', (name, text) => {
  const bytes = Buffer.from(text);
  const inputs = (seed: number) =>
    Array.from({ length: 20 }, (_, input) => {
      const changed = mutate({ name, bytes, die: dice(seed, input) });
      expect(changed.length).toBeLessThanOrEqual(4 * 2 ** 20);
      return createHash('sha256').update(changed).digest('hex');
    });
  const first = inputs(1);
  expect(inputs(1)).toEqual(first);
  expect(new Set(first).size).toBeGreaterThan(10);
  expect(inputs(2)).not.toEqual(first);
  expect(bytes.toString()).toBe(text);
});
