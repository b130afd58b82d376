import type { Sample } from '../dataset/sample.js';
import { mean } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import { shareOf } from './measure.js';
import type { JudgedPrediction, Measure } from './task.js';

/**
 * Normal or anomaly, the anomalies being the positives. A verdict that could not be read is wrong, and no alarm.
 * `binary_balanced_accuracy` is the mean of the two groups' accuracies, so that guessing the larger group gains nothing.
 *
 * @param predicted undefined where no verdict could be read
 */
export function binaryMeasures({
  isAnomaly,
  predicted,
}: {
  isAnomaly: (sample: Sample) => boolean;
  predicted: (judged: JudgedPrediction) => boolean | undefined;
}): Measure[] {
  const isNormal = (sample: Sample) => !isAnomaly(sample);
  const right = (judged: JudgedPrediction) => predicted(judged) === isAnomaly(judged.sample);
  const alarm = (judged: JudgedPrediction) => predicted(judged) === true;
  return [
    shareOf({ name: 'binary_accuracy', holds: right }),
    {
      name: 'binary_balanced_accuracy',
      better: 'higher',
      value: (judged) =>
        mean(
          [isAnomaly, isNormal].map((of) =>
            ratio(
              judged.filter(({ sample }) => of(sample)),
              right,
            ),
          ),
        ),
    },
    {
      name: 'binary_f1',
      better: 'higher',
      value: (judged) => {
        const hits = judged.filter((one) => alarm(one) && isAnomaly(one.sample)).length;
        const claims = judged.filter(alarm).length;
        return (2 * hits) / (claims + judged.filter(({ sample }) => isAnomaly(sample)).length);
      },
    },
    shareOf({ name: 'binary_recall', of: isAnomaly, holds: alarm }),
    shareOf({ name: 'false_alarm_rate', of: isNormal, holds: alarm, better: 'lower' }),
    shareOf({
      name: 'hard_normal_false_alarm_rate',
      of: (sample) => isNormal(sample) && sample.hardNormal === true,
      holds: alarm,
      better: 'lower',
    }),
  ];
}
