import { beforeAll, describe, expect, it } from 'vitest';
import { toBatch } from '../../src/policy/batch.js';
import { loadModel } from '../../src/policy/load.js';
import { Policy } from '../../src/policy/policy.js';
import { activeBackend, startRuntime } from '../../src/tensor/runtime.js';
import { fixture, type ModelCase, readJsonFixture, toPrompt } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

it.each(['grouped-tied', 'multi-query-bf16', 'long-video-f16', 'flat-sharded'])('%s', async (name) => {
  const { cases } = await readJsonFixture<{ cases: ModelCase[] }>(`models/${name}/case.json`);
  for (const trains of [false, true]) {
  const policy = new Policy({ ...(await loadModel({ folder: fixture(`models/${name}`), type: 'bfloat16', trains: () => trains })), features: null });
  const deltas: number[] = [];
  for (const recorded of cases) {
    const batch = toBatch({ prompts: [toPrompt(recorded)], completions: [[Int32Array.from(recorded.completion_ids)]] });
    const { logprobs } = policy.score({ batch, temperature: 1 });
    for (const [i, l] of logprobs.entries()) deltas.push(Math.abs(l - recorded.logprobs['1']![i]!));
  }
  console.log('FIG', name, trains, deltas.reduce((a, b) => a + b, 0) / deltas.length, Math.max(...deltas), deltas.length);
  policy.parameters.dispose();
  }
});
