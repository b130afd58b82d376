import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { VAU_BENCH_COLUMNS } from '../../src/dataset/vau-bench.js';
import { writeTinyModel } from '../../src/quickstart/tiny-model.js';
import { tinyProcessor } from '../../src/quickstart/tiny-shape.js';
import { packageFile } from '../../src/system/package-file.js';

/** A folder that a reader takes well, and those of its files that are changed. */
export interface Seed {
  kind: string;
  folder: string;
  files: string[];
}

/** An input that once ended badly: files that are laid over a seed of its kind. */
export interface Known {
  name: string;
  seed: Seed;
  files: Record<string, string | Uint8Array>;
}

/** Those that are better told than kept. */
const TOLD: { kind: string; name: string; files: Record<string, string> }[] = [
  { kind: 'config', name: 'brackets', files: { 'config.yaml': `a: ${'['.repeat(20_000)}` } },
  { kind: 'config', name: 'aliases', files: { 'config.yaml': '- &a [*a]\n'.repeat(9000) } },
  {
    kind: 'config',
    name: 'keys',
    files: { 'config.yaml': Array.from({ length: 9000 }, (_, i) => `k${i}: 1`).join('\n') },
  },
  {
    kind: 'csv',
    name: 'quotes',
    files: { 'train.csv': `${VAU_BENCH_COLUMNS.join(',')}\n${'1,x"y\n'.repeat(20_000)}` },
  },
  {
    kind: 'processor',
    name: 'patch size',
    files: {
      'preprocessor_config.json': JSON.stringify({ ...tinyProcessor('qwen2_vl'), patch_size: 28 }),
    },
  },
];

const ROWS = [
  {
    id: 'a',
    video: 'a.mp4',
    question: 'What happens?',
    options: ['a fall', 'a fight', 'a fire', 'nothing'],
    answer: 'A',
  },
  { video: 'b.mp4', segment: [12.5, 20], class: 'People_falling', description: 'x', reasoning: 'y' },
  { id: 'c', video: 'a.mp4', task: 'tag', segment: 'normal', class: 'Normal' },
];

const COMPLETIONS = [
  { sample_id: 'train.jsonl:a:qa', text: '<think>x</think><answer>A</answer>' },
  {
    sample_id: 'train.jsonl:c:tag',
    text: '<think>x</think><answer>Normal</answer><glue>[-1.0, -1.0]</glue>',
    step: 1,
    rewards: { format: 1 },
  },
];

const SETS = ['training.learning_rate=1e-6', 'rewards.format.weight=0.5', 'model.lora={r: 4}', 'data.classes=[a, b]'];

const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Writes the seeds of all kinds into `root`: from the shipped configs, the quickstart's model and the tests' fixtures. */
export async function writeSeeds(root: string): Promise<Seed[]> {
  const seeds: Seed[] = [];
  const seed = (kind: string, files: string[]): string => {
    const folder = join(root, `${kind}-${seeds.length}`);
    mkdirSync(folder, { recursive: true });
    seeds.push({ kind, folder, files });
    return folder;
  };
  const configs = packageFile('configs');
  for (const name of readdirSync(configs).filter((file) => file.endsWith('.yaml') && file !== 'base.yaml')) {
    const isAblation = name.startsWith('ablate');
    const folder = isAblation ? seed('ablation', ['ablation.yaml']) : seed('config', ['config.yaml', 'base.yaml']);
    copyFileSync(join(configs, 'base.yaml'), join(folder, 'base.yaml'));
    copyFileSync(join(configs, name), join(folder, isAblation ? 'ablation.yaml' : 'config.yaml'));
  }

  const set = seed('set', ['set.txt']);
  writeFileSync(join(set, 'config.yaml'), 'name: a\nmodel: {path: m}\n');
  writeFileSync(join(set, 'set.txt'), SETS.join('\n'));

  const data = [
    [seed('jsonl', ['train.jsonl']), 'train.jsonl', lines(ROWS)],
    [seed('csv', ['train.csv']), 'train.csv', csv()],
    [seed('completions', ['completions.jsonl']), 'train.jsonl', lines(ROWS)],
  ] as const;
  for (const [folder, name, text] of data) {
    writeFileSync(join(folder, name), text);
    for (const video of ['a.mp4', 'b.mp4']) writeFileSync(join(folder, video), 'x');
  }
  writeFileSync(join(data[2][0], 'completions.jsonl'), lines(COMPLETIONS));

  const models = packageFile('test/fixtures/models');
  cpSync(
    join(models, 'grouped-tied/model.safetensors'),
    join(seed('safetensors', ['model.safetensors']), 'model.safetensors'),
  );
  for (const name of ['grouped-tied', 'flat-sharded', 'multi-query-bf16']) {
    const files = ['config.json', 'generation_config.json', 'model.safetensors', 'model.safetensors.index.json'];
    cpSync(
      join(models, name),
      seed(
        'model',
        files.filter((file) => existsSync(join(models, name, file))),
      ),
      { recursive: true },
    );
  }
  for (const { source, model } of adapters()) {
    const folder = seed('adapter', ['adapter_config.json', 'adapter_model.safetensors']);
    cpSync(source, folder, { recursive: true });
    symlinkSync(join(models, model), join(folder, 'model'));
  }
  const files = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'preprocessor_config.json'];
  const processor = seed('processor', [...files, 'generation_config.json', 'config.json']);
  await writeTinyModel({ folder: processor, seed: 1 });
  return seeds;
}

/** What peft has saved, and the model that it is for. */
function adapters(): { source: string; model: string }[] {
  const folder = packageFile('test/fixtures/adapters');
  const expected = readFileSync(join(folder, 'expected.json'), 'utf8');
  const made = Object.entries(JSON.parse(expected) as Record<string, { model: string }>);
  return [
    { source: packageFile('test/fixtures/adapter'), model: 'grouped-tied' },
    ...made.map(([name, { model }]) => ({ source: join(folder, name), model })),
  ];
}

function csv(): string {
  const row = ['a.mp4', 'What, "really"?', 'a', 'b', 'c', 'd', 'A', 'car', 'two\nlines', 'so', 'Fighting', '1', '2.5'];
  const normal = ['b.mp4', ...Array(10).fill('-1'), '0', '0'].with(10, 'Normal');
  return stringify([[...VAU_BENCH_COLUMNS], row, normal]);
}

/** The inputs in `corpus/KIND/NAME`, and those that are told above. */
export function knownInputs(seeds: readonly Seed[]): Known[] {
  const corpus = packageFile('scripts/fuzz/corpus');
  const kept = readdirSync(corpus).flatMap((kind) =>
    readdirSync(join(corpus, kind)).map((name) => ({ kind, name, files: contents(join(corpus, kind, name)) })),
  );
  return [...kept, ...TOLD].flatMap(({ kind, name, files }) => {
    const seed = seeds.find((one) => one.kind === kind);
    return seed === undefined ? [] : [{ name: `${kind}/${name}`, seed, files }];
  });
}

const contents = (folder: string): Record<string, Uint8Array> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
