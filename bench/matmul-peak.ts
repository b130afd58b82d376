/** Measures what the machine's cores can multiply, through TensorFlow. Prints one line of JSON in GFLOP/s. */
import { cast, matmul, upload } from '../src/tensor/ops.js';
import { startRuntime } from '../src/tensor/runtime.js';
import { scope, type Tensor } from '../src/tensor/tensor.js';
import type { Peak } from './measurement.js';

const SIZE = 2048;
const REPEATS = 10;

const backend = await startRuntime({ report: (line) => process.stderr.write(`${line}\n`) });

/** The best of several, since a peak is asked for. */
function speed(a: Tensor): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    scope(() => void matmul(a, a));
    best = Math.min(best, performance.now() - start);
  }
  return (2 * SIZE ** 3) / best / 1e6;
}

const peak = scope((): Peak => {
  const a = upload(
    Float32Array.from({ length: SIZE ** 2 }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5),
    [SIZE, SIZE],
  );
  return { float32: speed(a), bfloat16: backend.supportsBfloat16 ? speed(cast(a, 'bfloat16')) : null };
});
process.stdout.write(`${JSON.stringify(peak)}\n`);
