import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { replaceSection, sectionName } from '../../bench/docs.js';
import { ISAS } from '../../bench/isa.js';

const text = `# Performance

<!-- bench: made by \`npm run bench -- --write\` -->

the old table

<!-- /bench -->

between

<!-- bench avx2: made by another -->
<!-- /bench avx2 -->
`;

describe('replaceSection', () => {
  it('replaces what stands between the lines of its name, and nothing else', () => {
    const once = replaceSection({ text, name: 'bench avx2', body: 'held to AVX2' });
    const both = replaceSection({ text: once, name: 'bench', body: 'the new table' });
    expect(both).toBe(`# Performance

<!-- bench: made by \`npm run bench -- --write\` -->

the new table

<!-- /bench -->

between

<!-- bench avx2: made by another -->

held to AVX2

<!-- /bench avx2 -->
`);
    expect(replaceSection({ text: both, name: 'bench', body: 'the new table' })).toBe(both);
  });

  it('refuses a name that has no place', () => {
    expect(() => replaceSection({ text, name: 'bench avx512', body: '' })).toThrow('<!-- bench avx512: … -->');
  });
});

it.each([
  { command: 'bench', family: 'qwen2_vl' },
  { command: 'bench', family: 'qwen2_vl', isa: ISAS[0]! },
  { command: 'bench', family: 'qwen2_5_vl' },
  { command: 'bench', family: 'qwen3_vl' },
  { command: 'bench:tokens', family: 'qwen2_vl' },
  { command: 'bench:tokens', family: 'qwen2_vl', isa: ISAS[0]! },
])('docs/performance.md has a place for $command of $family, held to $isa', (asked) => {
  const performance = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
  expect(replaceSection({ text: performance, name: sectionName(asked), body: 'x' })).toContain('\n\nx\n\n');
});
