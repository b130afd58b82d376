/**
 * Stands in for `train`: makes a run's folder as the real one does, and reaches a `reward` that is a known function of
 * the config, and answers to held-out samples: of each question one in five more is wrong where `grpo.beta` is not 0.
 * Next to the config it keeps `calls.txt`, and looks for `fail-<name>` (then it fails), `stumble-<name>` (then it fails
 * once) and `hang-<name>` (then it waits for SIGTERM after having begun).
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse, parseDocument } from 'yaml';

const options = { set: { type: 'string', multiple: true }, resume: { type: 'string' } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const home = dirname(positionals[0]);
const config = parseDocument(readFileSync(positionals[0], 'utf8'));
for (const text of values.set) {
  const [path, value] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
  config.setIn(path.split('.'), parse(value));
}
const { name, seed, output_dir, grpo } = config.toJS();
appendFileSync(join(home, 'calls.txt'), `${name}${values.resume ? ` resume=${values.resume}` : ''}\n`);
console.error(`training ${name}`);
if (existsSync(join(home, `fail-${name}`))) throw new Error('out of luck');

if (existsSync(join(home, `stumble-${name}`))) {
  rmSync(join(home, `stumble-${name}`));
  throw new Error('out of luck');
}

mkdirSync(output_dir, { recursive: true });
writeFileSync(join(output_dir, 'config.yaml'), String(config));
const steps = [1, 2, 3].map((step) => ({ step, 'rewards/format/mean': step * (1 - grpo.beta) }));
writeFileSync(join(output_dir, 'metrics.jsonl'), steps.map((one) => `${JSON.stringify(one)}\n`).join(''));
if (existsSync(join(home, `hang-${name}`))) {
  process.on('SIGTERM', () => process.exit(130));
  console.error('hanging');
  setInterval(() => {}, 1000);
} else {
  const evaluation = { reward: seed + grpo.beta, 'qa/accuracy': 0.5 };
  const answers = Array.from({ length: 200 }, (_, i) => {
    const noise = ((i * 2654435761 + seed * 40503) >>> 8) % 10;
    const value = noise < (grpo.beta > 0 ? 5 : 7) ? 1 : 0;
    return { step: 3, sample_id: `${i}`, task: 'qa', video: `${i % 100}.mp4`, text: 'A', value };
  });
  writeFileSync(join(output_dir, 'held-out.jsonl'), answers.map((one) => `${JSON.stringify(one)}\n`).join(''));
  writeFileSync(join(output_dir, 'finished.json'), JSON.stringify({ step: 3, evaluation }));
}
