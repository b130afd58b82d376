import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Binding } from '../../src/tensor/backends/tensorflow/binding.js';
import { ensureRuntime, findAddon } from '../../src/tensor/setup/index.js';

const run = promisify(execFile);

const addon = (await findAddon()) ?? (await ensureRuntime({ report: () => {} }));

// TensorFlow's products in float32 may use the heap as their stack, where a handler's frame would overwrite it.
it.skipIf(process.platform === 'win32' || addon === null)(
  'signals arrive, and never in a thread that computes',
  async () => {
    const script = `(${multiplyUnderFire.toString()})(require(${JSON.stringify(addon!.addonPath)}))`;
    const { stdout } = await run(process.execPath, ['--input-type=commonjs', '-e', script]);
    const { caught, blocked, blockedInChild } = JSON.parse(stdout);
    expect(caught).toBeGreaterThan(0);
    if (process.platform !== 'linux') return;
    const SIGWINCH = 1n << 27n;
    expect(BigInt(`0x${blocked}`) & SIGWINCH).toBe(SIGWINCH);
    expect(BigInt(`0x${blockedInChild}`)).toBe(0n);
  },
  60_000,
);

/** Its source text runs in a process of its own, which a handler at the wrong place would kill. */
async function multiplyUnderFire(binding: Binding): Promise<void> {
  const { spawn, execFileSync } = require('node:child_process') as typeof import('node:child_process');
  const { readFileSync } = require('node:fs') as typeof import('node:fs');
  let caught = 0;
  process.on('SIGWINCH', () => {
    caught += 1;
  });
  const matrix = (rows: number, columns: number) =>
    binding.createTensor([rows, columns], binding.TF_FLOAT, new Float32Array(rows * columns));
  const [a, b] = [matrix(128, 256), matrix(84, 256)];
  const attribute = { name: 'transpose_b', type: binding.TF_ATTR_BOOL, value: true };
  const fire = spawn('sh', ['-c', `i=0; while [ $i -lt 2000 ]; do kill -s WINCH ${process.pid}; i=$((i+1)); done`]);
  let firing = true;
  fire.on('exit', () => {
    firing = false;
  });
  while (firing) {
    for (let i = 0; i < 100; i++) binding.deleteTensor(binding.executeOp('MatMul', [attribute], [a, b], 1)[0]!.id);
    await new Promise(setImmediate);
  }
  const mask = (status: string) => /SigBlk:\s*(\w+)/.exec(status)?.[1];
  const isLinux = process.platform === 'linux';
  const blocked = isLinux ? mask(readFileSync('/proc/thread-self/status', 'utf8')) : undefined;
  const blockedInChild = isLinux ? mask(execFileSync('cat', ['/proc/self/status'], { encoding: 'utf8' })) : undefined;
  process.stdout.write(JSON.stringify({ caught, blocked, blockedInChild }));
}
