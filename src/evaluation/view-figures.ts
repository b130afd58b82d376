import { mean } from '../statistics/moments.js';
import type { JudgedPrediction, Task } from '../tasks/task.js';
import { type Figure, figuresOf } from './figures.js';
import type { View } from './trials.js';

/** An answer to a sample, and the one that was given to it with another view of its video. */
export interface ViewPair {
  sample: JudgedPrediction['sample'];
  own: JudgedPrediction;
  other: JudgedPrediction;
}

/** What is lost without the video (Blind Gap), with its frames out of order, and with another's (Visual Gain). */
const NAMES: Record<View, string> = { grey: 'blind_gap', shuffled: 'shuffled_gap', other: 'visual_gain' };

/**
 * How much answers owe to what is seen: the task's headline with the video less that with another view of it, on the same
 * samples. Near 0, the model answers without looking.
 */
export function viewFigures({
  view,
  pairs,
  headline,
  seed,
}: {
  view: View;
  pairs: readonly ViewPair[];
  headline: NonNullable<Task['headline']>;
  seed: number;
}): Figure[] {
  const own = (items: readonly ViewPair[]) => mean(items.map((pair) => headline.value(pair.own)));
  const other = (items: readonly ViewPair[]) => mean(items.map((pair) => headline.value(pair.other)));
  return figuresOf({
    items: pairs,
    statistics: (items) => ({
      [`${headline.name}@${view}`]: other(items),
      [`${NAMES[view]}`]: own(items) - other(items),
    }),
    seed,
  });
}
