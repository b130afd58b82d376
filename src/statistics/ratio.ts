import { mean } from './moments.js';

/** The part of the items that a test holds for; NaN of none. */
export const ratio = <T>(items: readonly T[], holds: (item: T) => boolean): number =>
  mean(items.map((item) => Number(holds(item))));
