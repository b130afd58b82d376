import { usableCpus } from '../system/cpus.js';

/** Each thread of a decoder holds frames of its own, and more than this hardly help. */
const MOST = 8;

/**
 * How many threads a decoder gets where several decode side by side: as many as keep the cores busy, and one more where
 * they wait for each other's frames. The frames are the same with any number.
 */
export const decodingThreads = (sideBySide: number): number => {
  const each = Math.ceil(usableCpus() / sideBySide);
  return each === 1 ? 1 : Math.min(MOST, each + 1);
};
