import type { Collectives } from '../tensor/cluster.js';
import { cast, concat, reshape, rows, upload } from '../tensor/ops.js';
import { keep, scope, type Tensor, track } from '../tensor/tensor.js';
import type { ProcessGroup } from './process-group.js';

/**
 * Floats that are summed at a time: 4 MiB, of which a ring's parts stay in a processor's cache (four times as many take 1.4 times
 * as long here). With three processes or more the bits depend on it, so that it stays what it is.
 */
const BUCKET = 2 ** 20;
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

/** Floats of a row below: a part of such rows is a view, in TensorFlow, and no copy. */
const ROW = 16;

/** The sums of tensors, put end to end, each from a row of its own on. */
function sumTogether(collectives: Collectives, tensors: readonly Tensor[]): Tensor[] {
  return scope(() => {
    const counts = tensors.map(({ size }) => Math.ceil(size / ROW));
    const all = concat(tensors.map(inRows), 0);
    const [count, most] = [all.shape[0]!, BUCKET / ROW];
    const summed = concat(
      Array.from({ length: Math.ceil(count / most) }, (_, i) => {
        return track(collectives.sum(rows(all, i * most, Math.min(most, count - i * most))));
      }),
      0,
    );
    let taken = 0;
    return tensors.map(({ shape, size }, i) => {
      taken += counts[i]!;
      const own = rows(summed, taken - counts[i]!, counts[i]!);
      const flat = own.size === size ? own : rows(reshape(own, [own.size]), 0, size);
      return keep(reshape(flat, shape));
    });
  });
}

/** `[⌈size / ROW⌉, ROW]` float32, the last row filled up. */
function inRows(tensor: Tensor): Tensor {
  const missing = -tensor.size & (ROW - 1);
  const wide = cast(tensor, 'float32');
  if (missing === 0) return reshape(wide, [tensor.size / ROW, ROW]);
  const filled = concat([reshape(wide, [tensor.size]), upload(new Float32Array(missing), [missing])], 0);
  return reshape(filled, [filled.size / ROW, ROW]);
}
