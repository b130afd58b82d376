import type { Config } from '../../config/schema.js';

/** How token losses are weighted, and in some kinds what they are; `config/grpo-options.ts` tells them apart. */
export type LossType = Config['grpo']['loss_type'];

/** Options of the GRPO objective, named as in the config's `grpo` and `rollout`. */
export type Objective = Pick<
  Config['grpo'],
  | 'beta'
  | 'kl_estimator'
  | 'use_bias_correction_kl'
  | 'loss_type'
  | 'importance_sampling_level'
  | 'epsilon'
  | 'delta'
  | 'top_entropy_quantile'
  | 'sapo_temperature_pos'
  | 'sapo_temperature_neg'
  | 'vespo_k_pos'
  | 'vespo_k_neg'
  | 'vespo_lambda_pos'
  | 'vespo_lambda_neg'
> & {
  epsilon_high: number;
  temperature: number;
  max_completion_length: number;
};

export const objectiveOf = ({ grpo, rollout }: Pick<Config, 'grpo' | 'rollout'>): Objective => ({
  ...grpo,
  epsilon_high: grpo.epsilon_high ?? grpo.epsilon,
  temperature: rollout.temperature,
  max_completion_length: rollout.max_completion_length,
});

/** Whether a token's loss depends on other tokens of its completion or of the micro-batch. */
export const needsAllTokens = ({ importance_sampling_level, loss_type, top_entropy_quantile }: Objective): boolean =>
  importance_sampling_level === 'sequence' || loss_type === 'vespo' || top_entropy_quantile < 1;
