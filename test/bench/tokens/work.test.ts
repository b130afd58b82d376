import { expect, it } from 'vitest';
import { tokenWork } from '../../../bench/tokens/work.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { fixture } from '../../policy/reference-models.js';

const config = await readModelConfig(fixture('models/grouped-tied'));
const setting = { prompt: 10, generations: 3, completion: 4 };

it('a token reads weights and the prompt once, and what each completion has so far', () => {
  const norms = 2 * 64;
  const attention = 64 * (64 + 32 + 32 + 64) + 64 + 32 + 32;
  const weights = 2 * (norms + attention + 3 * 64 * 64) + 160 * 64;
  const keysAndValues = 2 * 2 * (2 * 16) * (10 + 3 * 2);
  expect(tokenWork({ config, setting, dtype: 'float32' }).bytes).toBe(4 * (weights + keysAndValues));
  expect(tokenWork({ config, setting, dtype: 'bfloat16' }).bytes).toBe(2 * (weights + keysAndValues));
  const pairs = 2 * 4 * 3 * (10 + 2); // layers, heads, completions, tokens seen
  expect(tokenWork({ config, setting, dtype: 'float32' }).flops).toBe(2 * (3 * weights + 2 * 16 * pairs));
});
