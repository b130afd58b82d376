import { temporalIou } from '../dataset/segment.js';
import { parseCompletion } from '../tasks/completion.js';
import { isGrounded } from '../tasks/named.js';
import { pureReward } from './reward.js';

/**
 * Generalized IoU (Rezatofighi et al. 2019) of the predicted and the annotated interval: IoU − the part of the span over
 * both that belongs to neither, in (−1, 1]. Unlike IoU it tells a near miss from a far one. 1 when both say that the
 * video is normal; −1 for normal against an interval, and for what cannot be read.
 */
export const temporalGiouReward = pureReward({
  name: 'temporal_giou',
  appliesTo: isGrounded,
  score: (input) => {
    const { interval: a } = parseCompletion(input);
    const b = input.sample.segment;
    if (a?.kind === 'normal' && b.kind === 'normal') return 1;
    if (a?.kind !== 'interval' || b.kind !== 'interval') return -1;
    const span = Math.max(a.end, b.end) - Math.min(a.start, b.start);
    const gap = Math.max(0, Math.max(a.start, b.start) - Math.min(a.end, b.end));
    return temporalIou(a, b) - gap / span;
  },
});
