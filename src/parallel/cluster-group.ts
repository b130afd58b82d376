import type { Collectives } from '../tensor/cluster.js';
import { cast, concat, reshape, rows, upload } from '../tensor/ops.js';
import { keep, scope, type Tensor, track } from '../tensor/tensor.js';
import type { ProcessGroup } from './process-group.js';

/**
 * Floats that are summed at a time. Copies and transfers of one part go beside those of the next; and with three
 * processes or more the bits depend on it, so that it stays what it is.
 */
const BUCKET = 4_000_000;
/** Lists have few lengths, which TensorFlow remembers for good: powers of two from this on. */
const SHORTEST = 16;

const roundLength = (count: number): number => Math.max(SHORTEST, 2 ** Math.ceil(Math.log2(count)));

/** Processes that are joined by TensorFlow's collective engine. */
export function clusterGroup(collectives: Collectives): ProcessGroup {
  const { rank, size, version } = collectives;
  const gather = (values: Float64Array): Float64Array[] => {
    const lengths = collectives.gather(Float64Array.of(values.length)).map(([length]) => length!);
    const longest = Math.max(...lengths);
    if (longest === 0) return lengths.map(() => new Float64Array(0));
    const padded = new Float64Array(roundLength(longest));
    padded.set(values);
    return collectives.gather(padded).map((own, from) => own.slice(0, lengths[from]));
  };
  return {
    rank,
    size,
    version,
    gather: async (values) => gather(values),
    broadcast: async (values) => {
      for (let start = 0; start < values.length; start += BUCKET) {
        const part = values.subarray(start, start + BUCKET);
        const padded = new Float32Array(Math.min(BUCKET, roundLength(part.length)));
        padded.set(part);
        part.set(collectives.broadcast(padded).subarray(0, part.length));
      }
    },
    sumGradients: async (names, gradients) => {
      for (const bucket of buckets(names.map((name) => gradients.get(name)!.size))) {
        const own = bucket.map((i) => gradients.get(names[i]!)!);
        const sums = sumTogether(collectives, own);
        for (const [k, i] of bucket.entries()) {
          own[k]!.dispose();
          gradients.set(names[i]!, sums[k]!);
        }
      }
    },
    fail: (reason) => collectives.fail(reason instanceof Error ? reason.message : String(reason)),
    close: async () => collectives.barrier('end'),
  };
}

/** Which of so many gradients go together: as many as have room, in their order; a large one goes in parts. */
function buckets(sizes: readonly number[]): number[][] {
  const made: number[][] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const [i, size] of sizes.entries()) {
    if (filled + size > BUCKET) {
      made.push([]);
      filled = 0;
    }
    made.at(-1)!.push(i);
    filled += size;
  }
  return made;
}

/** The sums of tensors, put end to end and padded to whole parts of one length: few shapes, whatever there is. */
function sumTogether(collectives: Collectives, tensors: readonly Tensor[]): Tensor[] {
  return scope(() => {
    const flat = tensors.map((tensor) => reshape(cast(tensor, 'float32'), [tensor.size, 1]));
    const count = tensors.reduce((sum, { size }) => sum + size, 0);
    const width = Math.min(BUCKET, 2 ** Math.ceil(Math.log2(count)));
    const parts = Math.ceil(count / width);
    const padding = parts * width - count;
    const all = concat([...flat, ...(padding === 0 ? [] : [upload(new Float32Array(padding), [padding, 1])])], 0);
    const summed = concat(
      Array.from({ length: parts }, (_, i) => track(collectives.sum(rows(all, i * width, width)))),
      0,
    );
    let taken = 0;
    return tensors.map(({ shape, size }) => {
      taken += size;
      return keep(reshape(rows(summed, taken - size, size), shape));
    });
  });
}
