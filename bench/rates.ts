/**
 * Measures what the machine's cores can multiply and read: TensorFlow's product of two large matrices, and our
 * product of one row with more weights than caches hold. Prints one line of JSON.
 */
import { cast, concat, matmul, products, upload } from '../src/tensor/ops.js';
import { startRuntime } from '../src/tensor/runtime.js';
import { bytesOf, dispose, scope, type Tensor } from '../src/tensor/tensor.js';
import type { Rates } from './measurement.js';

const SIZE = 2048;
const REPEATS = 10;
/** Weights of 2 GiB, since servers have caches of half a GiB: parts of 8192 × 4096 numbers. */
const [PARTS, PART, WIDTH] = [16, 8192, 4096];

const backend = await startRuntime({ report: (line) => process.stderr.write(`${line}\n`) });

/** Seconds of the best of several, since a peak is asked for. */
function best(body: () => void): number {
  let seconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    scope(body);
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return seconds;
}

const numbers = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5);

const multiplied = (a: Tensor): number => (2 * SIZE ** 3) / best(() => void matmul(a, a)) / 1e9;

function read(): number {
  const x = upload(numbers(WIDTH), [1, WIDTH]);
  const part = upload(numbers(PART * WIDTH), [PART, WIDTH]);
  const weights = concat(Array<Tensor>(PARTS).fill(part), 0);
  dispose(part);
  return bytesOf(weights) / best(() => void products(x, [weights])) / 1e9;
}

const rates = scope((): Rates => {
  const a = upload(numbers(SIZE ** 2), [SIZE, SIZE]);
  return {
    float32: multiplied(a),
    bfloat16: backend.supportsBfloat16 ? multiplied(cast(a, 'bfloat16')) : null,
    read: read(),
  };
});
process.stdout.write(`${JSON.stringify(rates)}\n`);
