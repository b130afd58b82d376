import { type FileHandle, open } from 'node:fs/promises';
import { ModelError } from '../system/errors.js';
import { openRegularFile } from '../system/regular-file.js';
import { DTYPE_BYTES, type StoredTensor, toBfloat16, type WeightDtype } from './dtypes.js';
import { damaged, headerLength, LENGTH_BYTES, parseHeader, type TensorEntry } from './safetensors-header.js';
import { START_BYTES, standIn } from './stand-in.js';

export { type StoredTensor, toFloat32, type WeightDtype } from './dtypes.js';

/** An open safetensors file: its header is in memory, its tensors are read one by one. */
export interface SafetensorsFile {
  file: string;
  entries: ReadonlyMap<string, TensorEntry>;
  /** @throws ModelError `TENSOR_MISSING`, `WEIGHTS_INVALID`, or `WEIGHTS_DTYPE` for a format other than F32, F16, BF16. */
  readTensor(name: string): Promise<StoredTensor>;
  close(): Promise<void>;
}

/** One read or write system call moves at most 2 GiB − 4 KiB. */
const CHUNK_BYTES = 2 ** 30;

/**
 * Opens a safetensors file and checks its header.
 *
 * @throws ModelError `WEIGHTS_MISSING` or `WEIGHTS_INVALID`, naming the file (and the tensor).
 */
export async function openSafetensors(file: string): Promise<SafetensorsFile> {
  const { handle, size: fileSize } = await openForReading(file);
  try {
    const prefix = await readExactly({ file, handle, start: 0, length: Math.min(fileSize, START_BYTES) });
    const instead = standIn(prefix);
    if (instead !== undefined) throw new ModelError({ code: 'WEIGHTS_INVALID', message: `${file} ${instead}.` });
    if (fileSize < LENGTH_BYTES) throw damaged(file, `it has ${fileSize} bytes`);
    const length = headerLength({ file, prefix, fileSize });
    const header = await readExactly({ file, handle, start: LENGTH_BYTES, length });
    const entries = parseHeader({ file, header, fileSize });
    return {
      file,
      entries,
      readTensor: (name) => readTensor({ file, handle, entries, name }),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A tensor to write. Its numbers are asked for when their turn comes, so only one tensor need be in memory. */
export interface TensorSource {
  name: string;
  shape: readonly number[];
  /** Defaults to F32. BF16 is rounded to nearest, ties to even. */
  dtype?: 'F32' | 'BF16';
  read(): Float32Array | Promise<Float32Array>;
}

/**
 * Writes tensors to a new file, one after the other, and syncs it to the disk. Equal tensors give equal bytes, whatever
 * order they come in. The file is whole only once this returns: write to a temporary name and rename it.
 *
 * @throws RangeError if two tensors share a name or one has not the numbers that its shape needs.
 */
export async function writeSafetensors({
  file,
  tensors,
  metadata = { format: 'pt' },
}: {
  file: string;
  tensors: readonly TensorSource[];
  metadata?: Record<string, string>;
}): Promise<void> {
  // Wider numbers first, so that each tensor starts at a multiple of its numbers' width; then by name.
  const ordered = tensors
    .map((tensor) => ({ ...tensor, dtype: tensor.dtype ?? ('F32' as const) }))
    .sort((a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : 1));
  const handle = await open(file, 'w');
  try {
    await writeAll(handle, buildHeader(ordered, metadata));
    for (const tensor of ordered) {
      const values = await tensor.read();
      if (values.length !== elements(tensor.shape)) {
        throw new RangeError(`${tensor.name} [${tensor.shape.join(', ')}] was given ${values.length} numbers`);
      }
      await writeAll(handle, tensor.dtype === 'BF16' ? toBfloat16(values) : values);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function buildHeader(tensors: readonly Required<TensorSource>[], metadata: Record<string, string>): Uint8Array {
  const header = new Map<string, unknown>([['__metadata__', metadata]]);
  let offset = 0;
  for (const { name, shape, dtype } of tensors) {
    if (header.has(name)) throw new RangeError(`two tensors are named ${name}`);
    const end = offset + elements(shape) * DTYPE_BYTES[dtype];
    header.set(name, { dtype, shape, data_offsets: [offset, end] });
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const result = Buffer.alloc(LENGTH_BYTES + padded, ' ');
  result.writeBigUInt64LE(BigInt(padded));
  json.copy(result, LENGTH_BYTES);
  return result;
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

async function openForReading(file: string): Promise<{ handle: FileHandle; size: number }> {
  try {
    return await openRegularFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'is missing: check the path, or fetch the model again' : `cannot be opened: ${message}`;
    throw new ModelError({ code: 'WEIGHTS_MISSING', message: `${file} ${why}.`, cause });
  }
}

async function readTensor({
  file,
  handle,
  entries,
  name,
}: {
  file: string;
  handle: FileHandle;
  entries: ReadonlyMap<string, TensorEntry>;
  name: string;
}): Promise<StoredTensor> {
  const entry = entries.get(name);
  if (!entry)
    throw new ModelError({
      code: 'TENSOR_MISSING',
      message: `${file} has no tensor ${name}: it belongs to another model, or is incomplete.`,
    });
  const { shape, start, end } = entry;
  const dtype = weightDtype({ file, name, dtype: entry.dtype });
  return { dtype, shape: [...shape], bytes: await readExactly({ file, handle, start, length: end - start, name }) };
}

/** @throws ModelError `WEIGHTS_DTYPE` for a format that weights are not read in */
export function weightDtype({ file, name, dtype }: { file: string; name: string; dtype: string }): WeightDtype {
  if (Object.hasOwn(DTYPE_BYTES, dtype)) return dtype as WeightDtype;
  const known = Object.keys(DTYPE_BYTES).join(', ');
  throw new ModelError({
    code: 'WEIGHTS_DTYPE',
    message: `${file}: tensor ${name} is ${dtype}; only ${known} can be read: use the unquantized checkpoint.`,
  });
}

async function readExactly({
  file,
  handle,
  start,
  length,
  name = 'header',
}: {
  file: string;
  handle: FileHandle;
  start: number;
  length: number;
  name?: string;
}): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const chunk = Math.min(CHUNK_BYTES, length - done);
    const { bytesRead } = await handle.read(buffer, done, chunk, start + done);
    if (bytesRead === 0) throw damaged(file, `it ends inside ${name}, after ${start + done} bytes`);
    done += bytesRead;
  }
  return buffer;
}

async function writeAll(handle: FileHandle, array: Uint8Array | Uint16Array | Float32Array): Promise<void> {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let done = 0; done < bytes.byteLength; ) {
    const chunk = Math.min(CHUNK_BYTES, bytes.byteLength - done);
    done += (await handle.write(bytes, done, chunk)).bytesWritten;
  }
}
