import { NORMAL_CLASS } from '../../dataset/classes.js';
import { mean } from '../../statistics/moments.js';
import { binaryMetrics } from './binary.js';
import type { JudgedPrediction } from './prediction.js';
import { ratio, ratioByGroup } from './ratio.js';

/**
 * Classification: `accuracy`; `accuracy/<class>` over the samples of a class; `balanced_accuracy`, the mean of these;
 * and, where there are normal samples, normal against all other classes.
 */
export function clsMetrics(judged: readonly JudgedPrediction[]): Record<string, number> {
  const holds = ({ correct }: JudgedPrediction) => correct;
  const byClass = ratioByGroup({ items: judged, group: ({ sample }) => `accuracy/${sample.class}`, holds });
  const verdicts = judged.map(({ sample, parsed: { answer } }) => ({
    actual: sample.class !== NORMAL_CLASS,
    predicted: answer === undefined ? undefined : answer !== NORMAL_CLASS,
  }));
  const binary = verdicts.some(({ actual }) => !actual) ? binaryMetrics(verdicts) : {};
  return { accuracy: ratio(judged, holds), balanced_accuracy: mean(Object.values(byClass)), ...binary, ...byClass };
}
