import type { Options } from './options.js';

export type Path = (string | number)[];

/** Options that are right one by one and cannot work together. */
export interface Combination {
  /** What the rule looks at; the first is where the problem is reported. */
  reads: [Path, ...Path[]];
  /** What is wrong and what to do about it, or undefined. */
  problem: (options: Options) => string | undefined;
}
