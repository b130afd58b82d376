import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors, type TensorSource, toFloat32, writeSafetensors } from '../../src/model-folder/safetensors.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));
const DTYPES = fixture('dtypes.safetensors');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));
const inFolder = (name: string) => path.join(folder, name);

async function readAll(file: string) {
  const opened = await openSafetensors(file);
  const tensors = new Map<string, { dtype: string; shape: number[]; values: number[] }>();
  for (const name of opened.entries.keys()) {
    const tensor = await opened.readTensor(name);
    tensors.set(name, { dtype: tensor.dtype, shape: tensor.shape, values: [...toFloat32(tensor)] });
  }
  await opened.close();
  return tensors;
}

describe("a file of Python's safetensors", () => {
  it('lists its tensors', async () => {
    const file = await openSafetensors(DTYPES);
    const list = Object.fromEntries([...file.entries].map(([name, { dtype, shape }]) => [name, [dtype, shape]]));
    expect(list).toEqual({
      float32: ['F32', [4, 5]],
      float16: ['F16', [5, 4]],
      bfloat16: ['BF16', [2, 2, 5]],
      scalar: ['F32', []],
      empty: ['F32', [0, 3]],
      integers: ['I64', [4]],
    });
    await file.close();
  });

  it('reads to the same bits in every format', async () => {
    const expected: Record<string, number[]> = JSON.parse(await readFile(fixture('values.json'), 'utf8'));
    const file = await openSafetensors(DTYPES);
    for (const [name, bits] of Object.entries(expected)) {
      const values = toFloat32(await file.readTensor(name));
      expect([...new Uint32Array(values.buffer, values.byteOffset, values.length)], name).toEqual(bits);
    }
    await file.close();
  });

  it('refuses a format that no weight has, and a tensor that is not there', async () => {
    const file = await openSafetensors(DTYPES);
    await expect(file.readTensor('integers')).rejects.toMatchObject({
      code: 'WEIGHTS_DTYPE',
      message: expect.stringMatching(/dtypes\.safetensors: tensor integers is I64/),
    });
    await expect(file.readTensor('none')).rejects.toMatchObject({
      code: 'TENSOR_MISSING',
      message: expect.stringMatching(/dtypes\.safetensors has no tensor none/),
    });
    await file.close();
  });
});

describe('writing', () => {
  const tensors: TensorSource[] = [
    { name: 'b.half', shape: [3], dtype: 'BF16', read: () => Float32Array.of(1, 1.00390625, -0.1) },
    { name: 'z', shape: [2, 2], read: async () => Float32Array.of(1, 2, 3, 4) },
    { name: 'a', shape: [1], dtype: 'F32', read: () => Float32Array.of(Math.PI) },
    { name: 'ünï', shape: [0, 4], read: () => new Float32Array(0) },
  ];

  it('comes back, BF16 rounded to even', async () => {
    const file = inFolder('written.safetensors');
    await writeSafetensors({ file, tensors });
    expect(Object.fromEntries(await readAll(file))).toEqual({
      a: { dtype: 'F32', shape: [1], values: [Math.fround(Math.PI)] },
      'b.half': { dtype: 'BF16', shape: [3], values: [1, 1, -0.10009765625] },
      z: { dtype: 'F32', shape: [2, 2], values: [1, 2, 3, 4] },
      ünï: { dtype: 'F32', shape: [0, 4], values: [] },
    });
  });

  it('gives equal bytes whatever the order, with the data at a multiple of 8', async () => {
    const [one, two] = [inFolder('one.safetensors'), inFolder('two.safetensors')];
    await writeSafetensors({ file: one, tensors });
    await writeSafetensors({ file: two, tensors: tensors.toReversed() });
    const bytes = await readFile(one);
    expect(await readFile(two)).toEqual(bytes);
    expect(Number(bytes.readBigUInt64LE()) % 8).toBe(0);
    const { entries, close } = await openSafetensors(one);
    await close();
    expect([...entries.values()].filter(({ dtype, start }) => dtype === 'F32' && start % 4 !== 0)).toEqual([]);
    expect(bytes.toString('utf8', 8, 44)).toBe('{"__metadata__":{"format":"pt"},"a":');
  });

  it('asks for one tensor at a time', async () => {
    let open = 0;
    const read = async () => {
      expect(++open).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      return new Float32Array(2);
    };
    const names = ['x', 'y', 'z'];
    await writeSafetensors({ file: inFolder('s'), tensors: names.map((name) => ({ name, shape: [2], read })) });
  });

  it('refuses two tensors of one name, and numbers that do not fill the shape', async () => {
    const file = inFolder('refused.safetensors');
    const one = { name: 'x', shape: [2], read: () => new Float32Array(2) };
    await expect(writeSafetensors({ file, tensors: [one, one] })).rejects.toThrow('two tensors are named x');
    await expect(writeSafetensors({ file, tensors: [{ ...one, shape: [3] }] })).rejects.toThrow(/x \[3\] was given 2/);
  });
});

describe('damaged files', () => {
  const write = async (name: string, bytes: Uint8Array) => {
    await writeFile(inFolder(name), bytes);
    return inFolder(name);
  };
  const withHeader = (header: unknown, dataBytes: number) => {
    const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
  };
  const f32 = (shape: number[], data_offsets: [number, number]) => ({ dtype: 'F32', shape, data_offsets });
  const length = (value: bigint) => Buffer.concat([Buffer.from(BigUint64Array.of(value).buffer), Buffer.alloc(100)]);

  it.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ['empty', async () => new Uint8Array(0), /has 0 bytes/],
    ['text', async () => Buffer.from('These are the weights of a model.\n'), /header claims \d+ bytes/],
    [
      'a Git LFS pointer',
      async () => Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 9\n`),
      /is a Git LFS pointer, not the file itself: run `git lfs pull`/,
    ],
    ['a web page', async () => Buffer.from('<!DOCTYPE html><html>Sign in</html>'), /is a web page.*fetch it again/],
    ['of PyTorch', async () => Buffer.from('PK\x03\x04\0\0\0\0\0\0'), /is a zip archive \(PyTorch/],
    [
      'cut in the header',
      async () => (await readFile(DTYPES)).subarray(0, 60),
      /header claims \d+ bytes, but the file ends after 60/,
    ],
    ['of absurd length', async () => length(2n ** 63n), /header claims .* the most allowed is 33554432/],
    ['of a length past its end', async () => length(5000n), /but the file ends after 108/],
    ['without JSON', async () => withHeader('{"a": ', 0), /header is not the JSON/],
    ['with a list for a header', async () => withHeader([], 0), /header is not the JSON/],
    ['with a negative size', async () => withHeader({ a: f32([-1], [0, 4]) }, 4), /says about a what is not of this/],
    ['with half an entry', async () => withHeader({ a: { dtype: 'F32', shape: [1] } }, 4), /says about a what is not/],
    [
      'cut in the data',
      async () => (await readFile(DTYPES)).subarray(0, -8),
      /tensor \w+ reaches to byte 620, but the file ends after 612/,
    ],
    [
      'with a wrong shape',
      async () => withHeader({ a: f32([3], [0, 8]) }, 8),
      /tensor a \(F32 \[3\]\) needs 12 bytes, its offsets give 8/,
    ],
    [
      'with overlaps',
      async () => withHeader({ a: f32([2], [0, 8]), b: f32([2], [4, 12]) }, 12),
      /tensors a and b overlap/,
    ],
    [
      'with a hole',
      async () => withHeader({ a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12),
      /4 bytes before tensor b belong to none/,
    ],
    [
      'with bytes to spare',
      async () => withHeader({ a: f32([1], [0, 4]) }, 9),
      /5 bytes at its end belong to no tensor/,
    ],
    ['backwards', async () => withHeader({ a: f32([1], [4, 0]) }, 8), /tensor a ends before it starts/],
  ])('%s', async (name, bytes, message) => {
    const file = await write(`damaged ${name}.safetensors`, await bytes());
    await expect(openSafetensors(file)).rejects.toMatchObject({ name: 'ModelError', code: 'WEIGHTS_INVALID' });
    await expect(openSafetensors(file)).rejects.toThrow(message);
    await expect(openSafetensors(file)).rejects.toThrow(file);
  });

  it.each([
    ['a folder', (file: string) => mkdirSync(file)],
    ['a pipe', (file: string) => execFileSync('mkfifo', [file])],
    ['a device', (file: string) => symlinkSync('/dev/zero', file)],
  ])('%s in its place', async (kind, make) => {
    const file = inFolder(`${kind}.safetensors`);
    make(file);
    await expect(openSafetensors(file)).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      message: `${file} cannot be opened: it is ${kind}, not a file.`,
    });
  });

  it('cut while open: names the tensor', async () => {
    const path = await write('shrinks.safetensors', withHeader({ a: f32([2], [0, 8]) }, 8));
    const file = await openSafetensors(path);
    await truncate(path, 64);
    await expect(file.readTensor('a')).rejects.toThrow(/shrinks\.safetensors.*it ends inside a, after 64 bytes/);
    await file.close();
  });

  it('missing', async () => {
    await expect(openSafetensors(inFolder('none.safetensors'))).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      message: expect.stringContaining('none.safetensors is missing: check the path'),
    });
  });
});
