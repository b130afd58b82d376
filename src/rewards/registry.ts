import { accuracyReward } from './accuracy.js';
import { anomalyVerificationReward } from './anomaly-verification.js';
import { formatReward } from './format.js';
import { judgeReward } from './judge.js';
import { keyPointsReward } from './key-points.js';
import { lengthReward } from './length.js';
import { moduleReward } from './module.js';
import { repetitionReward } from './repetition.js';
import type { Reward } from './reward.js';
import { softOverlongReward } from './soft-overlong.js';
import { temporalContrastReward } from './temporal-contrast.js';
import { temporalDistanceReward } from './temporal-distance.js';
import { temporalGiouReward } from './temporal-giou.js';
import { temporalIouReward } from './temporal-iou.js';

/** Every reward: the only list of them. The config has their options, by name. */
export const REWARDS: readonly Reward[] = [
  formatReward,
  accuracyReward,
  temporalIouReward,
  temporalGiouReward,
  temporalDistanceReward,
  keyPointsReward,
  judgeReward,
  softOverlongReward,
  lengthReward,
  repetitionReward,
  anomalyVerificationReward,
  temporalContrastReward,
  moduleReward,
];
