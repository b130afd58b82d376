#!/usr/bin/env node
import { dieWithParent } from '../system/dependent.js';
import { heedSignals } from '../system/stop-signals.js';

// Before the rest is so much as loaded: signals and a parent's end may come at any time.
heedSignals();
dieWithParent();
const [{ report }, { program }, { scrubStream }, { secretScrubbers }] = await Promise.all([
  import('./failure.js'),
  import('./program.js'),
  import('./scrub-stream.js'),
  import('../system/secrets.js'),
]);

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
// A terminal that was closed, a `tee` that Ctrl-C has ended: what is said is lost, and the work is not.
process.stderr.on('error', () => {});
// A progress bar that was not stopped, here or in a process that was killed, has hidden the cursor.
process.on('exit', () => process.stderr.isTTY && process.stderr.write('\x1b[?25h'));
process.on('uncaughtException', (error) => process.exit(report(error, { debug })));

try {
  await program(args).parseAsync();
  await leave(Number(process.exitCode ?? 0));
} catch (error) {
  await leave(report(error, { debug }));
}
