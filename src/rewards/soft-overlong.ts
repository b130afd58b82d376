import { pureReward } from './reward.js';

/**
 * DAPO's soft punishment of long completions (Yu et al. 2025, eq. 13), in [−1, 0]: none up to max − cache tokens, whole at
 * max, linear between them. It is TRL's `get_soft_overlong_punishment`.
 */
export const softOverlongReward = pureReward({
  name: 'soft_overlong',
  appliesTo: () => true,
  complete: (options, context) => {
    const max = options.max_completion_length ?? context.max_completion_length;
    return {
      ...options,
      max_completion_length: max,
      soft_punish_cache: options.soft_punish_cache ?? Math.ceil(max / 5),
    };
  },
  score: ({ tokens }, { max_completion_length: max = 0, soft_punish_cache: cache = 0 }) => {
    if (tokens === undefined) return null;
    const over = tokens - (max - cache);
    return over <= 0 ? 0 : -Math.min(1, over / cache);
  },
});
