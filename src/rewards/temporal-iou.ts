import { temporalIou } from '../dataset/segment.js';
import { parseCompletion } from '../prompt/answer.js';
import type { RewardFunction } from './reward.js';

/** Overlap over union of the predicted and the annotated interval; 1 when both say that the video is normal. */
export const temporalIouReward: RewardFunction = {
  name: 'temporal_iou',
  appliesTo: (task) => task === 'tag',
  score: (input) => {
    const { interval } = parseCompletion(input);
    return interval === undefined ? 0 : temporalIou(interval, input.sample.segment);
  },
};
