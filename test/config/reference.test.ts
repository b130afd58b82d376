import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configReference } from '../../src/config/reference.js';

const page = configReference();

describe('the reference of the options', () => {
  it('is that of this version (vau-rft schema --markdown > docs/config.md)', async () => {
    const file = join(import.meta.dirname, '..', '..', 'docs', 'config.md');
    expect(await readFile(file, 'utf8')).toBe(page);
  });

  it.each([
    '| `lora.r` | whole number > 0 ≤ 8192 | `16` | Rank of the two factors. |',
    '| `source` | `jsonl` | required |  |',
    '| `task` | `qa`, `tag`, `cls`, `reasoning` | required | The question asked of each video. |',
    '| `weight` | number ≥ -1000000 ≤ 1000000 | `1` | Factor in the sum of rewards; 0: measured but not learned from. |',
  ])('has %s', (row) => expect(page.split('\n')).toContain(row));

  it('has each section once, and sources of training and evaluation together', () => {
    const titles = page.split('\n').filter((line) => line.startsWith('## '));
    expect(new Set(titles).size).toBe(titles.length);
    expect(titles).toContain('## data.train, data.eval, source: vau-bench');
    expect(titles).toContain('## rewards, name: format');
  });
});
