import { permutation } from '../system/random.js';

/** Where the data stands: `index` of the sample, and how many times all samples were seen before. */
export interface OrderEntry {
  index: number;
  epoch: number;
}

/**
 * The order in which `count` samples are seen: all once an epoch, shuffled anew each epoch. The result is a pure
 * function of (seed, count, position), so a position is all that a checkpoint has to keep; the current epoch's
 * permutation is remembered, since making it costs as much as an epoch of steps.
 */
export function dataOrder({ seed, count }: { seed: number; count: number }): (position: number) => OrderEntry {
  let epochOfOrder = -1;
  let order: Int32Array = new Int32Array();
  return (position) => {
    const epoch = Math.floor(position / count);
    if (epoch !== epochOfOrder) {
      order = permutation(count, seed, epoch);
      epochOfOrder = epoch;
    }
    return { index: order[position - epoch * count]!, epoch };
  };
}
