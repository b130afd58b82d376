import { ModelError } from '../system/errors.js';
import { DTYPE_BYTES } from './dtypes.js';

/** Where one tensor lies in a file. */
export interface TensorEntry {
  /** `F32`, `BF16`, `I64`, …: formats that cannot be read are an error only when they are asked for. */
  dtype: string;
  shape: number[];
  /** First and one past the last byte, counted from the start of the file. */
  start: number;
  end: number;
}

/** The largest models have less than 1 MB; what is parsed takes many times as much memory. */
export const MAX_HEADER_BYTES = 32 * 2 ** 20;
/** The file starts with the header's length, a little-endian unsigned 64-bit number. */
export const LENGTH_BYTES = 8;

/**
 * The header's length, checked before anything of that size is allocated.
 *
 * @throws ModelError `WEIGHTS_INVALID`
 */
export function headerLength({
  file,
  prefix,
  fileSize,
}: {
  file: string;
  prefix: Uint8Array;
  fileSize: number;
}): number {
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw damaged(file, `its header claims ${length} bytes, the most allowed is ${MAX_HEADER_BYTES}`);
  }
  if (LENGTH_BYTES + length > fileSize) {
    throw damaged(file, `its header claims ${length} bytes, but the file ends after ${fileSize}`);
  }
  return length;
}

/**
 * Parses and checks a safetensors header: every tensor lies inside the file, has the bytes that its shape needs, and
 * overlaps no other. Format: https://github.com/huggingface/safetensors#format
 *
 * @throws ModelError `WEIGHTS_INVALID` naming the file and the tensor.
 */
export function parseHeader({
  file,
  header,
  fileSize,
}: {
  file: string;
  header: Uint8Array;
  fileSize: number;
}): Map<string, TensorEntry> {
  const { __metadata__: _, ...tensors } = parseJson(file, header);
  const dataStart = LENGTH_BYTES + header.byteLength;

  const entries = new Map<string, TensorEntry>();
  for (const [name, entry] of Object.entries(tensors)) {
    if (!isEntry(entry)) throw damaged(file, `its header says about ${name} what is not of this format`);
    const { dtype, shape, data_offsets } = entry;
    const [start, end] = [dataStart + data_offsets[0], dataStart + data_offsets[1]];
    if (end < start) throw damaged(file, `tensor ${name} ends before it starts`);
    if (end > fileSize)
      throw damaged(file, `tensor ${name} reaches to byte ${end}, but the file ends after ${fileSize}`);
    checkSize({ file, name, dtype, shape, bytes: end - start });
    entries.set(name, { dtype, shape, start, end });
  }
  checkOrder({ file, entries, dataStart, fileSize });
  return entries;
}

export const damaged = (file: string, what: string, cause?: unknown): ModelError =>
  new ModelError({
    code: 'WEIGHTS_INVALID',
    message: `${file} is no whole safetensors file: ${what}. It may be cut off or damaged: fetch or copy it again.`,
    cause,
  });

function parseJson(file: string, header: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (cause) {
    throw damaged(file, 'its header is not the JSON that it should be', cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw damaged(file, 'its header is not the JSON that it should be');
  return json as Record<string, unknown>;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** By hand, as a header may have a million entries. */
function isEntry(value: unknown): value is { dtype: string; shape: number[]; data_offsets: [number, number] } {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  return (
    typeof dtype === 'string' &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(isCount)
  );
}

function checkSize({
  file,
  name,
  dtype,
  shape,
  bytes,
}: {
  file: string;
  name: string;
  dtype: string;
  shape: number[];
  bytes: number;
}): void {
  const width = (DTYPE_BYTES as Record<string, number>)[dtype];
  if (width === undefined) return;
  const needed = shape.reduce((product, size) => product * size, width);
  if (bytes !== needed) {
    throw damaged(
      file,
      `tensor ${name} (${dtype} [${shape.join(', ')}]) needs ${needed} bytes, its offsets give ${bytes}`,
    );
  }
}

/** The format has no byte that is two tensors', and none that is nobody's. */
function checkOrder(args: {
  file: string;
  entries: Map<string, TensorEntry>;
  dataStart: number;
  fileSize: number;
}): void {
  const { file, entries, dataStart, fileSize } = args;
  const inOrder = [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let [before, end] = ['the header', dataStart];
  for (const [name, entry] of inOrder) {
    if (entry.start < end) throw damaged(file, `tensors ${before} and ${name} overlap`);
    if (entry.start > end) throw damaged(file, `${entry.start - end} bytes before tensor ${name} belong to none`);
    [before, end] = [name, entry.end];
  }
  if (end !== fileSize) throw damaged(file, `${fileSize - end} bytes at its end belong to no tensor`);
}
