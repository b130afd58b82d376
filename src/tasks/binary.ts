import { mean } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';

/** Whether something is an anomaly, and what was predicted; undefined where no prediction could be read. */
export interface Verdict {
  actual: boolean;
  predicted: boolean | undefined;
}

/**
 * Normal or anomaly. A verdict that could not be read is wrong. `balanced_accuracy` is the mean of the two groups'
 * accuracies, so that guessing the larger group gains nothing; `f1` is that of the anomalies. What cannot be computed
 * (a group that has no members) is left out.
 */
export function binaryMetrics(verdicts: readonly Verdict[]): Record<string, number> {
  const right = ({ actual, predicted }: Verdict) => actual === predicted;
  const groups = [true, false].map((kind) => verdicts.filter(({ actual }) => actual === kind));
  const hits = verdicts.filter(({ actual, predicted }) => actual && predicted).length;
  const claims = verdicts.filter(({ predicted }) => predicted === true).length;
  const metrics = {
    binary_accuracy: ratio(verdicts, right),
    binary_balanced_accuracy: mean(groups.map((group) => ratio(group, right))),
    binary_f1: (2 * hits) / (claims + groups[0]!.length),
  };
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
