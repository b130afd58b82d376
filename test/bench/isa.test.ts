import { afterEach, describe, expect, it, vi } from 'vitest';
import { runChild } from '../../bench/child.js';
import { instructionSets } from '../../bench/isa.js';

const NAMES = ['VAU_RFT_ISA', 'ONEDNN_MAX_CPU_ISA', 'ATEN_CPU_CAPABILITY', 'MKL_ENABLE_INSTRUCTIONS'];

/** What a contender finds in its environment. */
async function environment(isa?: 'avx2'): Promise<unknown> {
  const script = `console.log(JSON.stringify(${JSON.stringify(NAMES)}.map((name) => process.env[name] ?? null)))`;
  return JSON.parse(await runChild({ command: process.execPath, args: ['-e', script], threads: 1, isa }));
}

describe('the instruction set of contenders', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is forced on all libraries', async () => {
    expect(await environment('avx2')).toEqual(['avx2', 'AVX2', 'avx2', 'AVX2']);
  });

  it('is the processor’s own where nothing is forced, whatever the shell has set', async () => {
    for (const name of NAMES) vi.stubEnv(name, 'avx2');
    expect(await environment()).toEqual([null, null, null, null]);
  });

  it('is told', () => {
    expect(instructionSets('avx2')).toBe('avx2 (forced)');
    expect(instructionSets(undefined)).not.toBe('');
  });
});
