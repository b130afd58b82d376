import { parseCompletion } from '../tasks/completion.js';
import { iouOf } from '../tasks/judge.js';
import { isGrounded } from '../tasks/named.js';
import { pureReward } from './reward.js';

/** Overlap over union of the predicted and the annotated interval; 1 when both say that the video is normal. */
export const temporalIouReward = pureReward({
  name: 'temporal_iou',
  appliesTo: isGrounded,
  score: (input) => iouOf({ sample: input.sample, parsed: parseCompletion(input) }),
});
