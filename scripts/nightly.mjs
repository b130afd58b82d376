/**
 * What changes from day to day: `npm run nightly -- [--last FILE] [--python PYTHON] [--share 0.1] [--seeds 1 2 3]`.
 *
 * Runs the quickstart on some seeds, a run by three processes one of which is killed and, where there is a Python with
 * the peers, the benchmark of a step; compares with the figures of last time in FILE, which then holds those of now. Ends
 * with 1 where a quickstart has not learned (its held-out reward is not above a blind guesser's), the three processes have
 * not left the bytes of a run in peace, or a figure has fallen by more than that share.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    last: { type: 'string', default: join(root, 'runs', 'nightly.json') },
    python: { type: 'string', default: process.env.VAU_RFT_PYTHON },
    share: { type: 'string', default: '0.1' },
    seeds: { type: 'string', default: '1 2 3' },
  },
});

const say = (text) => process.stdout.write(`${text}\n`);
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Runs a command of the project, its output on our standard error. */
const run = (script, args) => {
  const command = [join(root, 'scripts', 'bootstrap.mjs'), script, ...args];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} ended with ${status}`);
};

/** The held-out reward of a quickstart, and a blind guesser's. */
const quickstart = (seed) => {
  const folder = mkdtempSync(join(tmpdir(), 'vau-rft-nightly-'));
  try {
    run('quickstart', ['--seed', String(seed), '--output', join(folder, 'quickstart')]);
    const { evaluation } = readJson(join(folder, 'quickstart', 'grpo', 'finished.json'));
    return { reward: evaluation.reward, blind: evaluation['reward/blind'] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** How many times as long as ours PyTorch's step with a shared prefix takes. */
const ratio = (python) => {
  const contenders = ['vau-rft:float32', 'shared-prefix:float32'];
  const args = ['--python', python, '--contenders', ...contenders];
  const { status } = spawnSync('npm', ['run', 'bench', '--', ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`the benchmark ended with ${status}`);
  const folder = join(root, 'runs', 'bench');
  const newest = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1);
  const [ours, theirs] = readJson(join(folder, newest)).settings[0].entries;
  return theirs.measurement.seconds / ours.measurement.seconds;
};

/** Whether three processes, one of which is killed, leave what a run in peace does. */
const survivesKill = () => {
  const folder = mkdtempSync(join(tmpdir(), 'vau-rft-nightly-'));
  const words = [join(root, 'scripts', 'stress', 'faults.py'), '--work', folder, '--workers', '3', '--faults', '1'];
  const { status } = spawnSync('python3', words, { cwd: root, stdio: ['ignore', 2, 2] });
  rmSync(folder, { recursive: true, force: true });
  return status === 0;
};

const problems = [];
const figures = {};
for (const seed of values.seeds.split(/[ ,]+/)) {
  const { reward, blind } = quickstart(seed);
  figures[`quickstart, seed ${seed}`] = reward;
  if (!(reward > blind)) problems.push(`quickstart, seed ${seed}: reward ${reward}, a blind guesser has ${blind}`);
}
if (!survivesKill()) problems.push('three processes, one killed: what is left is not what a run in peace leaves');
if (values.python) figures['step, times PyTorch’s shared prefix'] = ratio(values.python);

const last = existsSync(values.last) ? readJson(values.last) : {};
for (const [name, value] of Object.entries(figures)) {
  const before = last[name];
  say(`${name}: ${value.toFixed(3)}${before === undefined ? '' : ` (last time ${before.toFixed(3)})`}`);
  if (before !== undefined && value < before * (1 - Number(values.share)))
    problems.push(`${name} has fallen from ${before.toFixed(3)} to ${value.toFixed(3)}`);
}
mkdirSync(dirname(values.last), { recursive: true });
writeFileSync(values.last, `${JSON.stringify(figures, null, 2)}\n`);
for (const problem of problems) say(`PROBLEM: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
