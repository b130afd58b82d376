import { availableParallelism } from 'node:os';

/** Each thread of a decoder holds frames of its own, and more than this hardly help. */
const MOST = 8;

/**
 * How many threads a decoder gets where several decode side by side: as many as keep the cores busy. The frames are the
 * same with any number.
 */
export const decodingThreads = (sideBySide: number): number =>
  Math.min(MOST, Math.max(1, Math.ceil(availableParallelism() / sideBySide)));
