import { expect, it } from 'vitest';
import { activeBackend } from '../../src/tensor/active.js';
import { portableKernels } from '../../src/tensor/backends/portable/kernels.js';
import { add, downloadFloats, upload } from '../../src/tensor/ops.js';
import { scope } from '../../src/tensor/tensor.js';
import { runOn, startBackends } from './backends.js';

const backends = await startBackends();

it.each(backends.map((backend) => [backend.name, backend] as const))(
  'the portable passes of %s run on it, whichever backend is active',
  (_, backend) => {
    const values = [1, -2, 3, 0.5];
    const pass = () =>
      scope(() => {
        const [x, weight] = runOn(backend, () => [
          upload(Float32Array.from(values), [1, 4]),
          upload(new Float32Array(4).fill(1), [4]),
        ]);
        return portableKernels(backend).norm({ x: x!, weight: weight!, epsilon: 1e-6, type: 'float32' }).y;
      });
    const rms = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / 4);
    for (const active of backends) {
      const before = backend.liveTensors();
      runOn(active, () => {
        const y = pass();
        expect(y.backend).toBe(backend);
        expect(activeBackend()).toBe(active);
        const found = runOn(backend, () => downloadFloats(y));
        for (const [i, value] of values.entries()) expect(found[i]).toBeCloseTo(value / rms, 5);
        y.dispose();
      });
      expect(backend.liveTensors()).toBe(before);
    }
  },
);

it.runIf(backends.length > 1)('an operation on a tensor of another backend than the active one is refused', () => {
  const [one, other] = backends;
  const [mine, theirs] = [one!, other!].map((backend) => runOn(backend, () => upload(new Float32Array(4), [4])));
  expect(() => runOn(one!, () => add(mine!, theirs!))).toThrow();
  mine!.dispose();
  theirs!.dispose();
});
