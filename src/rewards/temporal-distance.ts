import { parseCompletion } from '../tasks/completion.js';
import { isGrounded } from '../tasks/named.js';
import { pureReward } from './reward.js';

/**
 * How near start and end come: the mean of 1 − |Δ| / scale over both, no less than 0 each, in [0, 1]. It says which of the
 * two is off, where an overlap does not. 1 when both say that the video is normal; 0 for normal against an interval, and
 * for what cannot be read.
 */
export const temporalDistanceReward = pureReward({
  name: 'temporal_distance',
  appliesTo: isGrounded,
  score: (input, { scale }) => {
    const { interval: a } = parseCompletion(input);
    const b = input.sample.segment;
    if (a?.kind === 'normal' && b.kind === 'normal') return 1;
    if (a?.kind !== 'interval' || b.kind !== 'interval') return 0;
    const nearness = (x: number, y: number) => Math.max(0, 1 - Math.abs(x - y) / scale);
    return (nearness(a.start, b.start) + nearness(a.end, b.end)) / 2;
  },
});
