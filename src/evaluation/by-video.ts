import type { Sample } from '../dataset/sample.js';
import { groupBy } from '../system/group-by.js';

/** What a sample is about: questions about the same videos are no separate evidence. */
export const videosOf = ({ visuals }: Sample): string => visuals.map(({ file }) => file).join('\n');

/** What there is of each video together, in the order of the first. */
export const byVideo = <T extends { sample: Sample }>(items: readonly T[]): T[][] => [
  ...groupBy(items, ({ sample }) => videosOf(sample)).values(),
];
