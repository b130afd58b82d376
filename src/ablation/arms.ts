import { groupBy } from '../system/group-by.js';
import type { PlannedRun } from './plan.js';
import type { Finished } from './state.js';

/** A planned run and, if it got there, what it has reached. */
export interface Outcome {
  run: PlannedRun;
  finished?: Finished;
  /** Why it did not get there: the last thing that it said. */
  reason?: string;
}

/** Runs that differ only in their seed. */
export interface Arm {
  labels: string[];
  /** The first arm again, with other seeds. */
  isControl: boolean;
  outcomes: Outcome[];
}

/** In the order of the plan: the one that all others are compared with comes first. */
export function armsOf(outcomes: readonly Outcome[]): Arm[] {
  const groups = groupBy(outcomes, ({ run }) => JSON.stringify([run.isControl, run.labels]));
  return [...groups.values()].map((own) => {
    const { labels, isControl } = own[0]!.run;
    return { labels: isControl ? [`${labels[0]}, other seeds`, ...labels.slice(1)] : labels, isControl, outcomes: own };
  });
}
