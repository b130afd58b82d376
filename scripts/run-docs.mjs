/**
 * Runs the commands of the README and the docs. Readers have models of the hub, a benchmark, servers; here the quickstart's
 * model and clips stand in for these, and a scripted server. Trainings are cut to a few steps. After `npm run quickstart`,
 * in the same folder:
 *
 *   node scripts/run-docs.mjs          # --all: the CUDA set-up too, which fetches 2 GB
 *
 * The tests' hub stands in for Hugging Face's. That every command is understood is tested in `test/docs`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
if (!existsSync('runs/quickstart/grpo/finished.json')) {
  console.error('runs/quickstart is not there: npm run quickstart makes it');
  process.exit(2);
}
const { loadConfig } = await import('../dist/config/load.js');

const MAIN = 'dist/cli/main.js';
const CLIPS = 'runs/quickstart/clips';
const checkpoint = newest('runs/quickstart/grpo/checkpoints');
const pages = ['README.md', ...readdirSync('docs').map((name) => join('docs', name))].filter((name) =>
  name.endsWith('.md'),
);

function newest(folder) {
  return join(folder, readdirSync(folder).sort().at(-1));
}

const blocks = (page, kind) =>
  [...readFileSync(page, 'utf8').matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text]) => text,
  );

/** What readers have: clips, annotations, a config, answers of another system. */
async function readersFiles() {
  const page = 'docs/your-own-videos.md';
  const [lines] = blocks(page, 'json');
  writeFileSync('mine.jsonl', lines);
  writeFileSync('mine.yaml', blocks(page, 'yaml')[0]);
  mkdirSync('clips', { recursive: true });
  const names = readdirSync(`${CLIPS}/videos`);
  for (const [i, line] of lines.trim().split('\n').entries())
    cpSync(join(CLIPS, 'videos', names[i]), join('clips', JSON.parse(line).video));
  const { default: sharp } = await import('sharp');
  for (const name of ['before', 'after'])
    await sharp({ create: { width: 84, height: 84, channels: 3, background: '#842' } })
      .jpeg()
      .toFile(`clips/${name}.jpg`);
  writeFileSync('run.yaml', 'extends: configs/quickstart/grpo.yaml\nname: run\nevaluation: {max_samples: 24}\n');
  mkdirSync('bench-files', { recursive: true });
  const classes = ['--classes', 'Normal,Traffic_accident,Fire,People_falling,Object_falling,Stealing,Abandoned_object'];
  for (const split of ['train', 'test'])
    spawnSync(process.execPath, [
      ...[MAIN, 'dataset', 'convert', `${CLIPS}/${split}.jsonl`, `bench-files/${split}.csv`],
      ...['--to', 'vau-bench', '--force', ...classes],
    ]);
  writeFileSync('known.csv', readFileSync('bench-files/test.csv'));
  const asked = readFileSync(`${CLIPS}/test.jsonl`, 'utf8').trim().split('\n').slice(0, 30).map(JSON.parse);
  const rows = asked.map(({ video, task }) => ({ video, task, text: '<answer>A</answer>' }));
  writeFileSync('theirs.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  writeFileSync(
    'theirs.csv',
    ['video,task,Output', ...rows.map(({ video, task, text }) => `${video},${task},${text}`), ''].join('\n'),
  );
}

/** A server that says something of the form that it is asked for. */
async function scriptedServer() {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { response_format: form } = JSON.parse(Buffer.concat(chunks).toString());
    const content = form?.json_schema ? JSON.stringify(filled(form.json_schema.schema)) : '<answer>A</answer>';
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      }),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

let texts = 0;
/** A value that fits a JSON schema. */
function filled(schema) {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return filled(schema.anyOf[0]);
  if (schema.type === 'object')
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, part]) => [name, filled(part)]));
  if (schema.type === 'array') return Array.from({ length: schema.minItems ?? 1 }, () => filled(schema.items ?? {}));
  if (schema.type === 'number' || schema.type === 'integer') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  return `a text ${texts++}`;
}

/** What a command needs that is asked for; undefined: nothing. */
function lacks(line) {
  return /--cuda/.test(line) && !process.argv.includes('--all') ? '2 GB of CUDA: --all' : undefined;
}

/** Where a command finds the hub, which has the quickstart's model under the name that is asked for. */
async function hubFor(id) {
  const { hubServer } = await createJiti(import.meta.url).import('../test/model-folder/hub/hub-server.ts');
  const names = readdirSync(checkpoint).filter((name) => /\.(json|safetensors|txt|jinja)$/.test(name));
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(checkpoint, name))]));
  const { url, close } = await hubServer({ id, files });
  const cache = mkdtempSync(join(tmpdir(), 'vau-rft-hub-'));
  return { env: { HF_ENDPOINT: url, HF_HOME: cache, HF_HUB_CACHE: cache }, close };
}

const server = await scriptedServer();

/** What stands in for a word; a function is asked when the word is used. */
const STAND_INS = [
  [/^Qwen\/[\w.-]+$/, () => checkpoint],
  [/^clip\.mp4$/, () => 'clips/door.mp4'],
  [/^(before|after)\.jpg$/, (word) => `clips/${word}`],
  [/^DIR$|^runs\/a\/checkpoints\//, () => checkpoint],
  [/^(runs\/tag-[\w.-]+\/checkpoints)\/step-\d+$/, (word) => newest(word.replace(/\/step-\d+$/, ''))],
  [/^path\/to\/peft-adapter$/, () => newest('runs/tag-qwen2.5-vl-3b/checkpoints')],
  [/^clips\/$/, () => 'clips'],
  [/^a,b,c$/, () => 'localhost,localhost'],
  [/^https:\/\/host\/v1$/, () => `http://127.0.0.1:${server.address().port}/v1`],
  [/^data\/vau-bench\/train\.csv$|^val\.csv$/, () => 'bench-files/train.csv'],
  [/^\/data\/vau-bench$/, () => `${CLIPS}/videos`],
  [/^test(_\w+)?\.csv$/, () => 'bench-files/test.csv'],
  [/^30$/, () => '2'],
  [/^45$/, () => '5'],
];

const wordsOf = (line) =>
  / download /.test(line)
    ? line.split(' ')
    : [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => {
        const word = a ?? b ?? c;
        const [, make] = STAND_INS.find(([pattern]) => pattern.test(word)) ?? [];
        return make === undefined ? word : make(word);
      });

/** Few steps; of configs for real models, the small one, the clips, and little to say. */
async function smaller(words) {
  const file = words.find((word) => word.endsWith('.yaml'));
  const isOwn = ['mine.yaml', 'run.yaml'].includes(file);
  if (file === undefined || isOwn) return [];
  const steps = [
    'training.max_steps=4',
    'training.warmup_steps=0',
    'training.save_steps=2',
    'evaluation.max_samples=12',
  ];
  if (/quickstart|ablate/.test(file)) return ['train', 'ablate', 'launch'].includes(words[0]) ? steps : [];
  const { data, training } = await loadConfig({ file });
  const sources = ['train', 'eval'].flatMap((split) =>
    data[split].flatMap((_, i) => [
      `data.${split}.${i}.annotations=bench-files/${split === 'train' ? 'train' : 'test'}.csv`,
      `data.${split}.${i}.videos=${CLIPS}/videos`,
    ]),
  );
  const size = ['data.video.max_frames=4', 'data.video.min_pixels=7056', 'data.video.max_pixels=7056'];
  const words2 = ['rollout.max_completion_length=12', 'rollout.num_generations=2'];
  const parts = `training.gradient_accumulation_steps=${Math.min(2, training.gradient_accumulation_steps)}`;
  return [`model.path=${checkpoint}`, ...sources, ...size, ...words2, 'training.prompts_per_step=2', parts, ...steps];
}

async function run(words) {
  const sets = (await smaller(words)).flatMap((option) => ['--set', option]);
  // Options of the reader's stand last.
  const at = words.findIndex((word) => word.endsWith('.yaml')) + 1;
  const args = sets.length === 0 ? words : [...words.slice(0, at), ...sets, ...words.slice(at)];
  const hub = words[0] === 'download' ? await hubFor(words[1]) : undefined;
  const env = { ...process.env, ...hub?.env };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      said += data;
      // What serves a page goes on until it is asked to end.
      if (/http:\/\/127\.0\.0\.1:\d+\//.test(said) && (words.includes('--watch') || words.includes('--review')))
        setTimeout(() => child.kill('SIGINT'), 1000);
    });
  const code = await new Promise((resolve) => child.on('close', resolve));
  hub?.close();
  return { code, said };
}

for (const left of [
  'runs/tag-qwen2.5-vl-3b',
  'runs/mine',
  'runs/two',
  'runs/two-again',
  'bench',
  'cut',
  'models/tag-3b',
])
  rmSync(left, { recursive: true, force: true });
await readersFiles();
const seen = new Set();
let failed = 0;
for (const page of pages) {
  for (const line of blocks(page, '(?:bash|sh)').flatMap((text) => text.split('\n'))) {
    const command = line.replace(/\s+[#>].*$/, '').trim();
    if (!/^(npx )?vau-rft /.test(command) || seen.has(command)) continue;
    seen.add(command);
    const why = lacks(command);
    if (why !== undefined) {
      console.log(`not run  ${command}  (needs ${why})`);
      continue;
    }
    // Each command of the docs is somebody's first.
    for (const left of ['answers.jsonl', 'answers.jsonl.work', 'answers.html', 'bench'])
      rmSync(left, { recursive: true, force: true });
    const began = performance.now();
    const { code, said } = await run(wordsOf(command).slice(command.startsWith('npx') ? 2 : 1));
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok     ' : 'FAILED '}  ${command}  (${seconds} s)`);
    if (code === 0) continue;
    failed += 1;
    console.log(said.split('\n').slice(-12).join('\n'));
  }
}
server.close();
process.exitCode = failed === 0 ? 0 : 1;
