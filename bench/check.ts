import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Limits, runJson } from './child.js';
import { ownFile, peerFile } from './contenders.js';

/** Short, so that it takes seconds; three slices of 64 tokens. */
const SIZE = { tokens: 200, generations: 3, completion: 9 };

/**
 * Compares what is measured: gradients of the repeated prompt, of the shared one in PyTorch, and ours, on one policy,
 * reference, prompt and set of completions in float32.
 *
 * @throws Error where two of them differ by more than 1e-4 relative
 */
export async function check(
  args: Limits & { python: string; model: string; say: (line: string) => void },
): Promise<void> {
  const { python, model, threads, isa, say } = args;
  const folder = await mkdtemp(join(tmpdir(), 'vau-rft-bench-'));
  const flags = Object.entries(SIZE).flatMap(([name, value]) => [`--${name}`, String(value)]);
  try {
    say('PyTorch: the repeated prompt against the shared one …');
    const peers = [peerFile('shared_prefix_step.py'), '--model', model, ...flags, '--check', folder];
    process.stdout.write(`${JSON.stringify(await runJson({ command: python, args: peers, threads, isa }))}\n`);
    say('vau-rft against the repeated prompt …');
    const own = [ownFile('vau-rft-check.js'), '--folder', folder, ...flags];
    process.stdout.write(`${JSON.stringify(await runJson({ command: process.execPath, args: own, threads, isa }))}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
