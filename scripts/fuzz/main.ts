/**
 * `npm run fuzz -- [--seed N] [--count M] [--kind NAME]`: changes good files in many ways and has them read as commands
 * read them, in processes of their own. Each has to be read, or refused by an error with a code, within 10 seconds of
 * processor time and 2 GiB. What is not is told and kept in runs/fuzz, and the exit code is 1. First come the inputs in
 * scripts/fuzz/corpus, which ended badly once. An input depends on the seed and its number only.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { usableCpus } from '../../src/system/cpus.js';
import { dice, mutate } from './mutate.js';
import { type Limits, Reader } from './pool.js';
import { knownInputs, type Seed, writeSeeds } from './seeds.js';
import type { Answer } from './worker.js';

const LIMITS: Limits = { seconds: 10, wallSeconds: 120, bytes: 2 * 2 ** 30 };

interface Input {
  name: string;
  kind: string;
  /** Writes it into a folder that is not there yet. */
  write: (folder: string) => void;
}

const { values } = parseArgs({
  options: { seed: { type: 'string' }, count: { type: 'string' }, kind: { type: 'string' } },
});
const seed = Number(values.seed ?? 1);
const count = Number(values.count ?? 1000);

const root = mkdtempSync(join(tmpdir(), 'vau-rft-fuzz-'));
const kept = join('runs', 'fuzz', `seed-${seed}`);
try {
  process.exitCode = await main();
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function main(): Promise<number> {
  const seeds = (await writeSeeds(join(root, 'seeds'))).filter(({ kind }) => kind === (values.kind ?? kind));
  if (seeds.length === 0 || !(count >= 0) || !Number.isInteger(seed)) {
    process.stderr.write('usage: npm run fuzz -- [--seed N] [--count M] [--kind NAME]\n');
    return 2;
  }
  const known = knownInputs(seeds).map(
    ({ name, seed: { kind, folder }, files }): Input => ({
      name,
      kind,
      write: (to) => {
        linkAll({ from: folder, to, without: Object.keys(files) });
        for (const [file, content] of Object.entries(files)) writeFileSync(join(to, file), content);
      },
    }),
  );
  const unchanged = seeds.map(
    ({ kind, folder }): Input => ({ name: `${kind} as it is`, kind, write: (to) => linkAll({ from: folder, to }) }),
  );
  const changed = Array.from({ length: count }, (_, i) => changedInput({ seeds, input: i }));

  const codes = new Map<string, number>();
  let findings = 0;
  const inputs = [...unchanged, ...known, ...changed].entries();
  const reader = async () => {
    const process = new Reader({ worker: new URL('worker.js', import.meta.url), limits: LIMITS });
    for (const [i, input] of inputs) {
      const folder = join(root, String(i));
      input.write(folder);
      const answer = await process.read({ kind: input.kind, folder });
      if (i < unchanged.length && answer.code !== 'read') answer.finding ??= `a good input is refused: ${answer.code}`;
      const key = `${input.kind} ${answer.code}`;
      codes.set(key, (codes.get(key) ?? 0) + 1);
      if (answer.finding !== null) tell({ input, folder, answer, number: ++findings });
      rmSync(folder, { recursive: true, force: true });
    }
    process.close();
  };
  rmSync(kept, { recursive: true, force: true });
  await Promise.all(Array.from({ length: Math.min(4, usableCpus()) }, reader));
  for (const key of [...codes.keys()].sort()) process.stdout.write(`${key}: ${codes.get(key)}\n`);
  const total = unchanged.length + known.length + changed.length;
  process.stdout.write(`${total} inputs, ${findings} findings (seed ${seed})\n`);
  return findings === 0 ? 0 : 1;
}

function changedInput({ seeds, input }: { seeds: Seed[]; input: number }): Input {
  const die = dice(seed, input);
  const kind = die.pick([...new Set(seeds.map((one) => one.kind))]);
  const { folder, files } = die.pick(seeds.filter((one) => one.kind === kind));
  const name = die.pick(files);
  return {
    name: `${kind} ${input} (${name})`,
    kind,
    write: (to) => {
      linkAll({ from: folder, to, without: [name] });
      writeFileSync(join(to, name), mutate({ name, bytes: readFileSync(join(folder, name)), die }));
    },
  };
}

function linkAll({ from, to, without = [] }: { from: string; to: string; without?: string[] }): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) if (!without.includes(name)) symlinkSync(join(from, name), join(to, name));
}

function tell(args: { input: Input; folder: string; answer: Answer; number: number }): void {
  const place = join(kept, `${args.number}-${args.input.kind}`);
  mkdirSync(kept, { recursive: true });
  cpSync(args.folder, place, { recursive: true, dereference: true });
  process.stdout.write(`FINDING ${args.input.name}, kept in ${place}: ${args.answer.finding}\n`);
}
