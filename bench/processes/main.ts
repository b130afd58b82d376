/**
 * What several processes make of a step, beside TRL's, and what follows for many: `npm run bench:processes -- --python
 * PYTHON`. Each process has a core of its own. The cost of a step is fitted to some settings and checked on others that
 * were not fitted.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { markdownTable } from '../markdown.js';
import { type Case, type Measured, measureOurs, measureTrl } from './measure.js';
import { fitModel, type GradientBytes, predict } from './model.js';
import { planOf } from './plan.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    python: { type: 'string', default: process.env.VAU_RFT_PYTHON ?? 'python3' },
    steps: { type: 'string', default: '3' },
    trl: { type: 'boolean', default: true },
    compare: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
if (values.model === undefined || !existsSync(values.model))
  throw new Error('--model FOLDER: one that bench/peers/make_model.py has made (small)');
const options = { model: values.model, steps: Number(values.steps), python: values.python };

const usual = { prompt: 640, generations: 8, completion: 64, prompts: 2 };
const bytes = await gradientBytes(values.model);
const say = (text: string) => void process.stdout.write(`${text}\n`);

const tableOf = (titles: string[], rows: string[][]) =>
  markdownTable({ columns: titles.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })), rows });

const rows: string[][] = [];
for (const lora of values.compare ? [8, 0] : []) {
  const compared = { ours: measureOurs, ...(values.trl && { trl: measureTrl }) };
  for (const [name, measure] of Object.entries(compared)) {
    const [alone, two] = [
      await measure({ ...usual, lora, processes: 1 }, options),
      await measure({ ...usual, lora, processes: 2 }, options),
    ];
    const samples = ({ seconds }: Measured, processes: number) => (processes * usual.prompts) / seconds;
    const sum = name === 'ours' ? two.phases.optimizer! - alone.phases.optimizer! : Number.NaN;
    rows.push([
      `${name === 'ours' ? 'vau-rft' : 'TRL, accelerate, gloo'}, ${lora === 0 ? 'whole model' : `LoRA r = ${lora}`}`,
      samples(alone, 1).toFixed(3),
      samples(two, 2).toFixed(3),
      `${(samples(two, 2) / samples(alone, 1)).toFixed(2)} ×`,
      Number.isNaN(sum) ? '' : `${((100 * sum) / two.seconds).toFixed(0)} %`,
    ]);
  }
}
if (values.compare) say(tableOf(['samples a second', 'one process', 'two', 'ratio', 'sum of gradients'], rows));

const base = { ...usual, lora: 8, processes: 1 };
const fitted: Case[] = [
  base,
  { ...base, prompt: 320 },
  { ...base, prompt: 1280, prompts: 1 },
  { ...base, completion: 32 },
  { ...base, completion: 128, prompts: 1 },
  { ...base, generations: 4 },
  { ...base, generations: 16, prompts: 1 },
  { ...base, lora: 0, prompts: 1 },
  { ...base, lora: 0, prompt: 1280, prompts: 1 },
  { ...base, processes: 2 },
  { ...base, lora: 0, prompts: 1, processes: 2 },
];
const held: Case[] = [
  { ...base, prompt: 960, generations: 12, completion: 48, prompts: 1 },
  { ...base, prompt: 960, generations: 6, completion: 96, processes: 2 },
  { ...base, lora: 0, prompt: 480, generations: 8, completion: 48, processes: 2 },
];
const measured = [];
for (const one of fitted) measured.push({ one, ...(await measureOurs(one, options)) });
// What of a step is none of its phases is a constant, and small.
const model = fitModel(measured, bytes);
const checked: string[][] = [];
for (const [one, isFitted] of [
  ...fitted.map((one) => [one, true] as const),
  ...held.map((one) => [one, false] as const),
]) {
  const { seconds } = measured.find((known) => known.one === one) ?? (await measureOurs(one, options));
  const { seconds: predicted } = predict(model, one, bytes);
  const { prompt, generations, completion, prompts, lora, processes } = one;
  checked.push([
    ...[prompt, generations, completion, prompts, lora, processes].map(String),
    seconds.toFixed(2),
    predicted.toFixed(2),
    `${(100 * (predicted / seconds - 1)).toFixed(0)} %`,
    isFitted ? 'fitted' : '**not fitted**',
  ]);
}
say(`\n${tableOf(['P', 'G', 'C', 'prompts', 'LoRA', 'processes', 's', 'predicted', 'off', ''], checked)}`);
say(`\n${JSON.stringify(model)}`);

const { compute } = predict(model, base, bytes);
const spread = 0.15;
for (const [name, link, gradients] of [
  ['LoRA, 10 Gbit/s', { bandwidth: 1.1e9, latency: 1e-4 }, bytes(base)],
  ['whole model of 2 B, 10 Gbit/s', { bandwidth: 1.1e9, latency: 1e-4 }, 8.8e9],
  ['whole model of 2 B, 200 Gbit/s', { bandwidth: 2.2e10, latency: 2e-5 }, 8.8e9],
] as const) {
  // A step of half a minute, as a model of 2 B makes it on a GPU at prompts of two thousand tokens.
  const input = { compute: 30, spread, bytes: gradients, link, checkpoint: 20, failureHours: 1000, restart: 180 };
  const lines = [1, 8, 16, 32, 64, 128, 256].map((workers) => planOf(input, workers));
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
  const cells = lines.map((line) => [
    String(line.workers),
    line.seconds.toFixed(1),
    percent(line.efficiency),
    percent(line.waiting),
    percent(line.sum),
    percent(line.lost),
    `${(line.bytes / 1e9).toFixed(2)} GB`,
  ]);
  say(`\n${name}\n${tableOf(['workers', 's a step', 'of ideal', 'waiting', 'sum', 'lost', 'sent'], cells)}`);
}
say(`\nmeasured here: ${compute.toFixed(1)} s of computing a step and process`);

/** Of what is trained: float32, as many as the model's weights, or as the factors. */
async function gradientBytes(folder: string): Promise<GradientBytes> {
  const { text_config: text, vision_config: vision } = JSON.parse(await readFile(`${folder}/config.json`, 'utf8'));
  const { hidden_size: d, intermediate_size: f, num_hidden_layers: L, vocab_size: V } = text;
  const [q, kv] = [d, (d / text.num_attention_heads) * text.num_key_value_heads];
  const tower = vision.depth * 12 * vision.embed_dim ** 2 + 2 * vision.embed_dim * d * 4;
  const whole = L * (2 * d * q + 2 * d * kv + 3 * d * f) + V * d + tower;
  const factors = L * (2 * (d + q) + 2 * (d + kv) + 3 * (d + f));
  return ({ lora }) => 4 * (lora === 0 ? whole : lora * factors);
}
