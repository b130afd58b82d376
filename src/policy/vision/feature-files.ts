import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packEntry, unpackEntry } from '../../system/digested-entry.js';
import { sweepFolder, UNFINISHED } from '../../system/sweep-folder.js';
import { cast, downloadFloats, upload, uploadBfloat16 } from '../../tensor/ops.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import type { VisionTokens } from '../families/family.js';

const ENTRY = '.features';
/** Of `maxBytes`: what may be written between two looks at the folder's size, and what a look leaves there. */
const [SWEEP_EVERY, SWEEP_TO] = [0.05, 0.9];

interface Head {
  /** Of the tokens, and of what is added to them in later layers: shape and type. */
  tensors: { shape: readonly number[]; dtype: string }[];
}

/**
 * What a frozen tower makes of videos, on the disk: the next run of the same tower (the next arm of an ablation, a run that
 * is resumed) need not look at them again. It only ever saves work: no trouble with it stops a run.
 */
export class FeatureFiles {
  readonly #folder: string;
  readonly #tower: string;
  readonly #maxBytes: number;
  #unswept = Number.POSITIVE_INFINITY;
  #failed = false;

  /** @param tower a digest of all that decides about what it makes of a video: see `towerDigest` */
  constructor({ folder, tower, maxBytes = 5e9 }: { folder: string; tower: string; maxBytes?: number }) {
    this.#folder = folder;
    this.#tower = tower;
    this.#maxBytes = maxBytes;
  }

  /** The features of a video, bit for bit, in the caller's scope; null where they are not there, or damaged. */
  read(key: string): VisionTokens | null {
    const file = this.#place(key);
    try {
      const bytes = readFileSync(file);
      const found = unpack(bytes);
      const now = new Date();
      if (found === null) rmSync(file, { force: true });
      else utimesSync(file, now, now);
      return found;
    } catch {
      return null;
    }
  }

  write(key: string, tokens: VisionTokens): void {
    if (this.#failed) return;
    try {
      const entry = pack(tokens);
      mkdirSync(this.#folder, { recursive: true });
      if (this.#unswept + entry.length > this.#maxBytes * SWEEP_EVERY) {
        this.#unswept = 0;
        const leave = this.#maxBytes * SWEEP_TO - entry.length;
        sweepFolder({ folder: this.#folder, ending: ENTRY, leave }).catch(() => {});
      }
      const unfinished = path.join(this.#folder, `${randomUUID()}${UNFINISHED}`);
      writeFileSync(unfinished, entry);
      renameSync(unfinished, this.#place(key));
      this.#unswept += entry.length;
    } catch {
      // A disk that is full, a folder that may not be written: the tower looks again.
      this.#failed = true;
    }
  }

  #place(key: string): string {
    const name = createHash('sha256')
      .update(JSON.stringify([this.#tower, key]))
      .digest('hex');
    return path.join(this.#folder, name + ENTRY);
  }
}

function pack({ tokens, deep }: VisionTokens): Buffer {
  const tensors = [tokens, ...deep];
  const head: Head = { tensors: tensors.map(({ shape, dtype }) => ({ shape, dtype })) };
  return packEntry({ head, data: Buffer.concat(tensors.map(bytesOfTensor)) });
}

function unpack(bytes: Buffer): VisionTokens | null {
  const entry = unpackEntry<Head>(bytes);
  if (entry === null) return null;
  let taken = 0;
  const [tokens, ...deep] = entry.head.tensors.map(({ shape, dtype }) => {
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    const size = count * (dtype === 'bfloat16' ? 2 : 4);
    // A copy, which starts where numbers may start.
    const own = Uint8Array.from(entry.data.subarray(taken, taken + size));
    taken += size;
    return dtype === 'bfloat16' ? uploadBfloat16(own, shape) : upload(new Float32Array(own.buffer), shape);
  });
  return { tokens: tokens!, deep };
}

/** Little-endian; of bfloat16 the upper half of what float32 makes of it. */
function bytesOfTensor(tensor: Tensor): Uint8Array {
  const floats = scope(() => downloadFloats(cast(tensor, 'float32')));
  const bytes = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  if (tensor.dtype !== 'bfloat16') return bytes;
  const halves = new Uint16Array(floats.length);
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  for (const [i, word] of words.entries()) halves[i] = word >>> 16;
  return new Uint8Array(halves.buffer);
}
