import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Parameters } from '../../src/policy/parameters.js';
import { activeBackend } from '../../src/tensor/active.js';
import { cast, downloadFloats, upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { mixIntoReference, restoreReference, saveReference } from '../../src/trainer/reference.js';

await startRuntime({ report: () => {} });

const values = { 'a.weight': [1, 2, 3, 4], 'b.weight': [0.5, -1] };
const others = { 'a.weight': [3, 2, 1, 0], 'b.weight': [-0.5, 1] };

function pairOf(type: 'float32' | 'bfloat16') {
  const policy = new Parameters({ type });
  const reference = new Parameters({ type });
  scope(() => {
    for (const [name, list] of Object.entries(values))
      policy.addTrainable(name, upload(Float32Array.from(list), [list.length]));
    for (const [name, list] of Object.entries(others))
      reference.addFrozen(name, cast(upload(Float32Array.from(list), [list.length]), type));
    reference.addFrozen('c.weight', upload(Float32Array.of(7), [1]));
  });
  return { policy, reference };
}

const numbersOf = (reference: Parameters) =>
  Object.fromEntries(
    ['a.weight', 'b.weight', 'c.weight'].map((name) => [name, [...scope(() => downloadFloats(reference.get(name)))]]),
  );

it.each(['float32', 'bfloat16'] as const)(
  '%s: α of the policy, the rest of the reference; kept over a checkpoint',
  async (type) => {
    const before = activeBackend().liveTensors();
    const folder = await mkdtemp(join(tmpdir(), 'vau-rft-reference-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const pair = pairOf(type);
    mixIntoReference({ ...pair, alpha: 0.25 });
    // All of these are exact in bfloat16.
    const mixed = { 'a.weight': [2.5, 2, 1.5, 1], 'b.weight': [-0.25, 0.5], 'c.weight': [7] };
    expect(numbersOf(pair.reference)).toEqual(mixed);
    expect(pair.reference.get('a.weight').dtype).toBe(type);
    await saveReference({ ...pair, folder });

    const fresh = pairOf(type);
    await restoreReference({ ...fresh, folder });
    expect(numbersOf(fresh.reference)).toEqual(mixed);
    expect(fresh.reference.get('a.weight').dtype).toBe(type);
    for (const { policy, reference } of [pair, fresh]) {
      policy.dispose();
      reference.dispose();
    }
    expect(activeBackend().liveTensors()).toBe(before);
  },
);
