import { expect, it } from 'vitest';
import { markdownReport, type TokenEntry } from '../../../bench/tokens/report.js';

const machine = {
  processor: 'a processor',
  instruction_sets: 'avx2 (forced)',
  cores: 2,
  threads: 2,
  memory_bytes: 24 * 2 ** 30,
  system: 'linux',
  node: 'v22',
  load_before: 0,
  rates: { float32: 100, bfloat16: null, read: 10 },
};
const setting = { prompt: 640, generations: 8, completion: 64 };

function entry(text: string, seconds?: number): TokenEntry {
  const [name, dtype] = text.split(':') as ['vau-rft', string];
  const contender = { name, dtype };
  const work = { flops: 5e8, bytes: 1e8 };
  if (seconds === undefined) return { contender, setting, work, failure: 'it stopped' };
  return { contender, setting, work, measurement: { peer: name, dtype, threads: 2, seconds, prompt_sha256: '' } };
}

it('tells tokens a second, shares of the machine, and the ratio to PyTorch in its better dtype', () => {
  const entries = [
    entry('vau-rft:float32', 0.02),
    entry('vau-rft:bfloat16'),
    entry('shared-prefix:float32', 0.04),
    entry('shared-prefix:bfloat16', 0.2),
  ];
  const report = markdownReport({ date: '2026-11-26T00:00:00Z', machine, model: 'small', steps: 3, entries });
  expect(report).toContain('a processor with avx2 (forced), 2 threads; products float32 100, bfloat16 – GFLOP/s');
  expect(report).toContain('memory 24 GiB, read at 10.0 GB/s');
  expect(report).toContain('| 640 | 64 | 8 | vau-rft | float32 | 20.00 | 400 | 5.0 | 50 % | 25.0 % | 2.00 |');
  expect(report).toContain('| 640 | 64 | 8 | vau-rft | bfloat16 | failed |');
  expect(report).toContain('| 640 | 64 | 8 | shared-prefix | bfloat16 | 200.00 | 40 | 0.5 | 5 % | 2.5 % | 0.20 |');
});
