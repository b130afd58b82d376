/**
 * Measures the kernels of decoding: products of a few rows with weights, and attention of one more token over prompts.
 * `node .dist-bench/bench/kernels.js [float32|bfloat16]`; set `VAU_RFT_ISA` for another instruction set, or
 * `VAU_RFT_KERNELS` for other kernels. Prints a table in ms (the best of many, since others disturb it), GFLOP/s, and GB/s of weights, or keys and values.
 */
import { cast, products, upload } from '../src/tensor/ops.js';
import { startRuntime } from '../src/tensor/runtime.js';
import { dispose, scope, type Tensor } from '../src/tensor/tensor.js';

const SECONDS = 1;
const type = process.argv[2] === 'bfloat16' ? 'bfloat16' : 'float32';
const bytes = type === 'bfloat16' ? 2 : 4;
const backend = await startRuntime({ report: (line) => process.stderr.write(`${line}\n`) });

/** x · Wᵀ: rows, inner, outputs. The last ones are of Qwen2-VL-2B, whose weights no cache holds. */
const PRODUCTS = [1, 4, 8, 16].flatMap((rows) => [
  [rows, 512, 1408],
  [rows, 1408, 512],
  [rows, 1536, 8960],
]);

/** Prompt and completions (of the small model: 2 × 4 heads of 64). */
const ATTENTION = [640, 2000, 4000].flatMap((P) => [1, 4, 8, 16].map((G) => [P, G]));

/** Numbers in ±0.5, the same each time. */
function numbers(...shape: number[]): Tensor {
  const size = shape.reduce((n, d) => n * d, 1);
  const x = upload(
    Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5),
    shape,
  );
  return x;
}

function measure(name: string, { flops, read }: { flops: number; read: number }, body: () => void): void {
  const times: number[] = [];
  const end = performance.now() + 1000 * SECONDS;
  while (performance.now() < end || times.length < 5) {
    const start = performance.now();
    body();
    times.push(performance.now() - start);
  }
  const ms = Math.min(...times);
  const row = [name, ms.toFixed(3), (flops / ms / 1e6).toFixed(1), (read / ms / 1e6).toFixed(2)];
  process.stdout.write(`| ${row.join(' | ')} |\n`);
}

process.stdout.write(`| ${type} | ms | GFLOP/s | GB/s |\n|---|---|---|---|\n`);
for (const [rows, inner, outputs] of PRODUCTS as [number, number, number][])
  scope(() => {
    const [x, w] = [cast(numbers(rows, inner), type), cast(numbers(outputs, inner), type)];
    const work = { flops: 2 * rows * inner * outputs, read: inner * outputs * bytes };
    measure(`${rows} × ${inner} × ${outputs}`, work, () => dispose(products(x, [w])));
  });
for (const [P, G] of ATTENTION as [number, number][])
  scope(() => {
    const [KV, R, D] = [2, 4, 64];
    const prompt = { kt: cast(numbers(KV, D, P), type), v: cast(numbers(KV, P, D), type) };
    const context = { KV, R, G, scale: D ** -0.5, promptLengths: [P], prompt, biases: {} };
    const rotary = { cos: numbers(G, D), sin: numbers(G, D) };
    const [q, k, v] = [KV * R * D, KV * D, KV * D].map((width) => cast(numbers(G, width), type)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    let own = backend.kernels.decodeAttention({ ...context, q, k, v, rotary, t: 0 }).own;
    const work = { flops: 4 * KV * R * G * D * P, read: 2 * KV * D * P * bytes };
    measure(`attention, prompt ${P}, ${G} completions`, work, () => {
      const next = backend.kernels.decodeAttention({ ...context, q, k, v, rotary, t: 32, own });
      own = next.own;
      dispose(next.y);
    });
    dispose(own);
  });
