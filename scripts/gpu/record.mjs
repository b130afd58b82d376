/**
 * What a GPU would be asked to compute: `node scripts/gpu/record.mjs > operations.json` (after `npm run build`).
 *
 * Runs GRPO, SFT and an evaluation of a small model of each family in both types with the portable kernels, which are what
 * runs on a GPU, and writes down every operation with its types (for scripts/gpu/check.py), and how many of them a decoded
 * token takes in a layer.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.env.VAU_RFT_KERNELS = 'portable';
const dist = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'dist');
const load = (name) => import(join(dist, name));
const { startRuntime } = await load('tensor/runtime.js');
const backend = await startRuntime({ report: () => {} });
const { binding } = backend.executor;

/** They change a shape or a type's name alone, or read a variable: nothing is launched. */
const FREE = new Set(['Reshape', 'Bitcast', 'ReadVariableOp', 'VarHandleOp', 'Identity']);
/** TensorFlow gives a slice of the first axis as a view, where its bytes begin at a multiple of this. */
const ALIGNMENT = 64;
/** `DT_BFLOAT16` of TensorFlow's types.proto. */
const BFLOAT16 = 14;
const seen = new Map();
const counts = { launches: 0, uploads: 0, downloads: 0 };
const dtypes = new Map();
const shapes = new Map();
/** What was computed, and not uploaded. */
const computed = new Set();
backend.executor.binding = Object.create(binding, {
  createTensor: {
    value: (shape, dtype, data) => {
      counts.uploads += 1;
      const id = binding.createTensor(shape, dtype, data);
      dtypes.set(id, dtype);
      shapes.set(id, shape);
      computed.delete(id);
      return id;
    },
  },
  tensorDataSync: {
    value: (id) => {
      counts.downloads += 1;
      return binding.tensorDataSync(id);
    },
  },
  executeOp: {
    value: (name, attributes, inputs, outputs) => {
      const types = attributes
        .filter(({ type }) => type === binding.TF_ATTR_TYPE)
        .map(({ name: key, value }) => [key, value]);
      const line = { op: name, attributes: types, inputs: inputs.map((id) => [dtypes.get(id) ?? 0, computed.has(id)]) };
      seen.set(JSON.stringify(line), line);
      const results = binding.executeOp(name, attributes, inputs, outputs);
      const isView = name === 'Slice' && isPartOfRows(inputs[0], results[0]);
      if (!FREE.has(name) && !isView) counts.launches += 1;
      for (const { id, dtype, shape } of results) {
        dtypes.set(id, dtype);
        shapes.set(id, shape);
        computed.add(id);
      }
      return results;
    },
  },
});

/** Whether a slice has whole rows of its input. */
function isPartOfRows(input, { shape, dtype }) {
  const row = shape.slice(1).reduce((product, size) => product * size, dtype === BFLOAT16 ? 2 : 4);
  return row % ALIGNMENT === 0 && shape.slice(1).join() === shapes.get(input).slice(1).join();
}

const [
  { writeTinyModel },
  { synthesize },
  { ensureFfmpeg },
  { loadConfig },
  { openRunFolder },
  { run },
  { single },
  { pino },
] = await Promise.all([
  ...[
    'quickstart/tiny-model.js',
    'synthesize/synthesize.js',
    'video/ffmpeg.js',
    'config/load.js',
    'run/run-folder.js',
  ].map(load),
  load('trainer/run.js'),
  load('parallel/single.js'),
  import('pino'),
]);
const { Decoder } = await load('rollout/decoder.js');

const work = mkdtempSync(join(tmpdir(), 'vau-rft-gpu-'));
const perToken = [];
try {
  await ensureFfmpeg({ report: () => {} });
  const { videos, annotations } = await synthesize({
    ...{ folder: join(work, 'clips'), seed: 5, size: 84, seconds: [6, 8] },
    splits: { train: 2, test: 1 },
  });
  for (const family of ['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl'])
    for (const dtype of ['float32', 'bfloat16']) await all({ family, dtype, videos, annotations });
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify({ operations: [...seen.values()], per_token: perToken }, null, 1)}\n`);

async function all({ family, dtype, videos, annotations }) {
  const model = join(work, family);
  await writeTinyModel({ folder: model, seed: 1, family });
  const source = (split) => [{ source: 'jsonl', annotations: annotations[split], videos }];
  const base = {
    ...{ name: 'gpu', seed: 1, model: { path: model, dtype, freeze_vision: false } },
    data: {
      train: source('train'),
      eval: source('test'),
      prompt: 'direct',
      video: { fps: 1, max_frames: 4, min_pixels: 3136, max_pixels: 7056 },
    },
    rollout: { num_generations: 4, max_completion_length: 8 },
    training: { max_steps: 2, prompts_per_step: 2, learning_rate: 1e-4, save_steps: 2 },
    evaluation: { batch_size: 4 },
  };
  const methods = {
    sft: {},
    grpo: {},
    lora: { method: 'grpo', model: { ...base.model, lora: { r: 2 }, freeze_vision: true } },
    sampled: { method: 'grpo', rollout: { ...base.rollout, top_p: 0.9, top_k: 5, temperature: 0.8 } },
    batch: { method: 'grpo', grpo: { num_iterations: 2 } },
  };
  for (const [name, more] of Object.entries(methods)) {
    const file = join(work, `${family}-${dtype}-${name}.json`);
    const options = { ...base, method: name, ...more, output_dir: join(work, `${family}-${dtype}-${name}`) };
    writeFileSync(file, JSON.stringify(options));
    const config = await loadConfig({ file, set: [] });
    const folder = await openRunFolder({ config, resume: false });
    const watched = watchDecoder(config.model.lora === undefined ? 'whole' : 'LoRA');
    const progress = { start: () => {}, update: () => {}, stop: () => {} };
    const signal = new AbortController().signal;
    await run({ config, folder, checkpoint: null, log: pino({ level: 'silent' }), progress, signal, group: single });
    await folder.release();
    const row = watched();
    if (name === 'grpo' || name === 'lora') perToken.push({ family, dtype, ...row });
  }
}

/** Counts what a token takes, from the second token of a prompt on. @returns what ends it: the counts by layer and token */
function watchDecoder(weights) {
  const { next } = Decoder.prototype;
  const sums = { launches: 0, uploads: 0, tokens: 0 };
  const layers = 2;
  Decoder.prototype.next = function (tokens) {
    const before = { ...counts };
    const { length } = this;
    const result = next.call(this, tokens);
    if (length > 0) {
      sums.tokens += 1;
      for (const key of ['launches', 'uploads']) sums[key] += counts[key] - before[key];
    }
    return result;
  };
  return () => {
    Decoder.prototype.next = next;
    const of = (key) => Number((sums[key] / Math.max(1, sums.tokens) / layers).toFixed(1));
    return { weights, launches: of('launches'), uploads: of('uploads') };
  };
}
