/**
 * Stands in for `train`: makes a run's folder as the real one does, and reaches a `reward` that is a known function of
 * the config. Next to the config it keeps `calls.txt`, and looks for `fail-<name>` (then it fails) and `hang-<name>`
 * (then it waits for SIGTERM after having begun).
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

mkdirSync(output_dir, { recursive: true });
writeFileSync(join(output_dir, 'config.yaml'), String(config));
writeFileSync(join(output_dir, 'metrics.jsonl'), '{"step":1}\n');
if (existsSync(join(home, `hang-${name}`))) {
  process.on('SIGTERM', () => process.exit(130));
  console.error('hanging');
  setInterval(() => {}, 1000);
} else {
  const evaluation = { reward: seed + grpo.beta, 'qa/accuracy': 0.5 };
  writeFileSync(join(output_dir, 'finished.json'), JSON.stringify({ step: 3, evaluation }));
}
