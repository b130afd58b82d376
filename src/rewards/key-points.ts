import { matchClass } from '../dataset/classes.js';
import { mean } from '../statistics/moments.js';
import { parseCompletion } from '../tasks/completion.js';
import { pureReward } from './reward.js';

/**
 * What an answer in free words has of its annotation, without asking anybody: half is for the class (it is named, and no
 * other label is), half for the share of the key objects that are named; each alone where the other is not annotated. It
 * is a poor judge, yet one that cannot be talked round by naming everything.
 */
export const keyPointsReward = pureReward({
  name: 'key_points',
  appliesTo: (task) => task === 'reasoning',
  score: (input) => {
    const { sample, classes } = input;
    const objects = (sample.keyObject ?? '').split(',').map(plain).filter(Boolean);
    const parts: number[] = [];
    const { answer } = parseCompletion(input);
    const said = ` ${plain(answer ?? '')} `;
    const names = (phrase: string) => said.includes(` ${plain(phrase)} `);
    const label = sample.class === undefined ? undefined : matchClass({ label: sample.class, classes });
    if (label !== undefined)
      parts.push(names(label) && !classes.some((other) => other !== label && names(other)) ? 1 : 0);
    if (objects.length > 0) parts.push(objects.filter(names).length / objects.length);
    return parts.length === 0 ? null : mean(parts);
  },
});

/** Words alone: lower case, no marks, one space between. */
const plain = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
