import { beforeAll, expect, it } from 'vitest';
import { gelu, geluBackward } from '../../../src/policy/vision/activations.js';
import { downloadFloats } from '../../../src/tensor/ops.js';
import { startRuntime } from '../../../src/tensor/runtime.js';
import { scope } from '../../../src/tensor/tensor.js';
import { erf, map, random, toDevice } from '../../tensor/plain.js';
import { expectGradients } from '../numeric.js';
import { largestDifference } from '../reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

it('gelu has the values and the slope of its formula', () => {
  const f = (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2));
  const x = map(random([13, 5], 1), (value) => Math.fround(4 * value));
  const dy = random([13, 5], 2);
  scope(() => {
    expect(largestDifference(downloadFloats(gelu(toDevice(x))), map(x, f).data)).toBeLessThan(2e-6);
    const dx = downloadFloats(geluBackward(toDevice(x), toDevice(dy)));
    expectGradients({ f: (inputs) => map(inputs.x!, f).data, inputs: { x }, dy, found: { x: dx } });
  });
});
