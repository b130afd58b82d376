/**
 * Runs the commands of the README and the docs that need nothing but the quickstart's run, and says which were not run and
 * why. Trainings are cut to a few steps; the quickstart's model and clips stand in for models of the hub and for files of
 * the reader, where that makes sense. After `npm run quickstart`, in the same folder:
 *
 *   node scripts/run-docs.mjs
 *
 * That every command is understood, run or not, is tested in `test/docs`.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
if (!existsSync('runs/quickstart/grpo/finished.json')) {
  console.error('runs/quickstart is not there: npm run quickstart makes it');
  process.exit(2);
}

const pages = ['README.md', ...readdirSync('docs').map((name) => join('docs', name))].filter((name) =>
  name.endsWith('.md'),
);
const blocks = (page, kind) =>
  [...readFileSync(page, 'utf8').matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text]) => text,
  );

/** The files that docs/your-own-videos.md has people write, and three clips. */
function ownVideos() {
  const page = 'docs/your-own-videos.md';
  const [json] = blocks(page, 'json');
  const [yaml] = blocks(page, 'yaml');
  writeFileSync('mine.jsonl', json);
  writeFileSync('mine.yaml', yaml);
  mkdirSync('clips', { recursive: true });
  const videos = 'runs/quickstart/clips/videos';
  const names = readdirSync(videos).slice(0, 3);
  for (const [i, line] of json.trim().split('\n').entries())
    copyFileSync(join(videos, names[i]), join('clips', JSON.parse(line).video));
}

const checkpoints = 'runs/quickstart/grpo/checkpoints';
const checkpoint = join(checkpoints, readdirSync(checkpoints).sort().at(-1));

/** What stands in for what readers have. */
const STAND_INS = [
  [/^Qwen\/[\w.-]+$/, checkpoint],
  [/^(clip|before|after)\.(mp4|jpg)$/, (name) => (name.endsWith('mp4') ? 'clips/door.mp4' : `clips/${name}`)],
  [/^runs\/a\/checkpoints\/.*$|^DIR$/, checkpoint],
  [/^clips\/?$/, 'clips'],
  // A part that the quickstart's clips have.
  [/^30$/, '2'],
  [/^45$/, '5'],
];

/** A config of a reader's, and two pictures. */
async function readersFiles() {
  writeFileSync('run.yaml', 'extends: configs/quickstart/grpo.yaml\nname: run\nevaluation: {max_samples: 24}\n');
  const { default: sharp } = await import('sharp');
  for (const name of ['before', 'after'])
    await sharp({ create: { width: 84, height: 84, channels: 3, background: '#842' } })
      .jpeg()
      .toFile(`clips/${name}.jpg`);
}

/** What a command needs that is not here; undefined: nothing. */
function lacks(line) {
  if (/--server|--judge/.test(line)) return 'a server';
  if (/^npx vau-rft (generate|logprobs) /.test(line)) return undefined;
  if (/Qwen\/|qwen[23]|vau-r1|configs\/tag|configs\/ablate/i.test(line)) return 'weights of a real model';
  if (/vau-bench|val\.csv|test_/.test(line)) return "the benchmark's files";
  if (/--cuda/.test(line)) return 'a GPU';
  if (/\b(FILE|CONFIG)\b|theirs|peft-adapter|known\.csv|[a-z]+\/tag\b|(train|test|parts)\.jsonl|models\//.test(line))
    return 'files of the reader';
  return undefined;
}

const FEW = ['--set', 'training.max_steps=4', '--set', 'training.warmup_steps=0', '--set', 'evaluation.max_samples=24'];

async function run(words) {
  const [command] = words;
  const isTraining = ['train', 'ablate', 'verify-resume'].includes(command);
  const args = ['dist/cli/main.js', ...words, ...(isTraining && !words.includes('mine.yaml') ? FEW : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  // What serves a page goes on until it is asked to end.
  if (words.includes('--watch')) setTimeout(() => child.kill('SIGINT'), 5000);
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, said };
}

const wordsOf = (line) =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => {
    const word = a ?? b ?? c;
    const [pattern, other] = STAND_INS.find(([one]) => one.test(word)) ?? [];
    return pattern === undefined ? word : word.replace(pattern, other);
  });

ownVideos();
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
    const began = performance.now();
    const { code, said } = await run(wordsOf(command).slice(command.startsWith('npx') ? 2 : 1));
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok     ' : 'FAILED '}  ${command}  (${seconds} s)`);
    if (code === 0) continue;
    failed += 1;
    console.log(said.split('\n').slice(-15).join('\n'));
  }
}
process.exitCode = failed === 0 ? 0 : 1;
