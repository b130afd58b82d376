#!/usr/bin/env node
import { secretScrubbers } from '../secrets.js';
import { report } from './failure.js';
import { program } from './program.js';
import { scrubStream } from './scrub-stream.js';

const args = process.argv.slice(2);
const debug = args.includes('--debug');

const scrub = secretScrubbers(process.env);
scrubStream(process.stdout, scrub.results);
scrubStream(process.stderr, scrub.messages);

/** Leaves when what was printed has reached its reader; open handles (a GPU, a pool of workers) do not hold it up. */
async function leave(code: number): Promise<never> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(code);
}

// `vau-rft … | head`: the reader has left, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.on('uncaughtException', (error) => process.exit(report(error, { debug })));

try {
  await program(args).parseAsync();
  await leave(Number(process.exitCode ?? 0));
} catch (error) {
  await leave(report(error, { debug }));
}
