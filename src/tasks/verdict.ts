import { plainText } from '../dataset/answer-text.js';

const ANOMALY = /^(?:anomaly|anomalies|anomalous|abnormal|abnormality|not normal|yes)$/;
const NORMAL = /^(?:normal|no|none|(?:no|not|not an|nothing) (?:anomaly|anomalies|anomalous|abnormal|abnormality))$/;
/** A word, and what is said about it. */
const HEAD = /^([a-z ]+?)(?:\s?[:.,;(–—-](.*))?$/;
const NEGATED = /\b(?:no|not|nothing|non)[ -](?:an )?(?:anomal|abnormal|normal)\w*/g;

/**
 * The verdict of a tag answer: `Anomaly` or `Normal`, one of their everyday forms (`Abnormal`, `Yes`, `No anomaly`), or
 * one of these with more after a mark (`Anomaly: a fight`). Undefined where both are named: nobody may bet on either.
 */
export function readVerdict(text: string): 'Anomaly' | 'Normal' | undefined {
  const [, head = '', more = ''] = HEAD.exec(plainText(text)) ?? [];
  const rest = more.replace(NEGATED, '');
  if (ANOMALY.test(head)) return /\bnormal/.test(rest) ? undefined : 'Anomaly';
  if (NORMAL.test(head)) return /\b(?:anomal|abnormal)/.test(rest) ? undefined : 'Normal';
  return undefined;
}
