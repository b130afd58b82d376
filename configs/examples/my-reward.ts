/**
 * A reward of your own. The default export gets the completions of one prompt, and gives each a number, or null where there
 * is nothing to judge. It runs in a thread of its own; types are taken away, not checked, when it is loaded.
 *
 * This one likes answers that name a time, the more exactly the better.
 */
import type { RewardFunction } from 'vau-rft/reward';

const TIME = /\b\d+(\.\d+)?\s*(s|sec|seconds)\b/gi;

const score: RewardFunction = (group) =>
  group.map(({ text, sample }) => {
    if (sample.segment.kind !== 'interval') return null;
    const { start, end } = sample.segment;
    const times = [...text.matchAll(TIME)].map(([found]) => Number.parseFloat(found));
    const hits = times.filter((time) => time >= start - 1 && time <= end + 1);
    return times.length === 0 ? 0 : hits.length / times.length;
  });

export default score;
