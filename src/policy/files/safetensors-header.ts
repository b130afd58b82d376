import { z } from 'zod';
import { ModelError } from '../../errors.js';
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

/** The reference implementation's bound: no real header comes near it, a damaged length usually goes far past it. */
export const MAX_HEADER_BYTES = 100_000_000;
/** The file starts with the header's length, a little-endian unsigned 64-bit number. */
export const LENGTH_BYTES = 8;

const count = z.number().int().nonnegative();
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(z.object({ dtype: z.string(), shape: z.array(count), data_offsets: z.tuple([count, count]) }));

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
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(tensors)) {
    const [start, end] = [dataStart + data_offsets[0], dataStart + data_offsets[1]];
    if (end < start) throw damaged(file, `tensor ${name} ends before it starts`);
    if (end > fileSize)
      throw damaged(file, `tensor ${name} reaches to byte ${end}, but the file ends after ${fileSize}`);
    checkSize({ file, name, dtype, shape, bytes: end - start });
    entries.set(name, { dtype, shape, start, end });
  }
  checkOverlaps(file, entries);
  return entries;
}

export const damaged = (file: string, what: string, cause?: unknown): ModelError =>
  new ModelError({
    code: 'WEIGHTS_INVALID',
    message: `${file} is no whole safetensors file: ${what}. It may be cut off or damaged: fetch or copy it again.`,
    cause,
  });

function parseJson(file: string, header: Uint8Array): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header)));
  } catch (cause) {
    throw damaged(file, 'its header is not the JSON that it should be', cause);
  }
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

function checkOverlaps(file: string, entries: Map<string, TensorEntry>): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  for (let i = 1; i < inOrder.length; i++) {
    const [[name, { end }], [next, { start }]] = [inOrder[i - 1]!, inOrder[i]!];
    if (start < end) throw damaged(file, `tensors ${name} and ${next} overlap`);
  }
}
