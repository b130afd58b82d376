import { z } from 'zod';
import { LIMITS } from './limits.js';
import { count, factor } from './numbers.js';

/** The GRPO objective; names are TRL's wherever TRL has one. */
export const grpo = z.strictObject({
  beta: factor().nonnegative().default(0.04).describe('Weight of the KL divergence from the reference policy.'),
  kl_estimator: z
    .enum(['k1', 'k2', 'k3'])
    .default('k3')
    .describe(
      'Schulman’s estimator of that divergence. k3: TRL’s; k2: half the squared log-ratio; k1: the log-ratio, whose gradient pulls nowhere on average.',
    ),
  use_bias_correction_kl: z
    .boolean()
    .default(false)
    .describe('Multiply that estimate by the probability ratio, which counts off-policy (TRL’s default of late).'),
  loss_type: z
    .enum(['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo'])
    .default('grpo')
    .describe(
      'How token losses are averaged. grpo: over each sequence, then over sequences; dapo: over the tokens of the step; bnpo: over those of the micro-batch; dr_grpo: by a constant; luspo: summed over each sequence, then averaged. Other losses: cispo (clipped weights of log-probs; as dapo), sapo (a soft gate; as grpo), vespo (a weight of the whole sequence; as dapo).',
    ),
  scale_rewards: z
    .enum(['group', 'batch', 'none'])
    .default('group')
    .describe('Divide advantages by the standard deviation of rewards in the group, in the step, or not at all.'),
  multi_objective_aggregation: z
    .enum(['sum_then_normalize', 'normalize_then_sum'])
    .default('sum_then_normalize')
    .describe(
      'sum_then_normalize: advantages of the weighted sum of rewards; normalize_then_sum (GDPO): each reward is normalized in its group, then their weighted sum in the step.',
    ),
  importance_sampling_level: z
    .enum(['token', 'sequence'])
    .default('token')
    .describe('The probability ratio is each token’s, or the geometric mean over its sequence (GSPO).'),
  epsilon: factor().positive().default(0.2).describe('Lower clip range of the probability ratio: 1 − epsilon.'),
  epsilon_high: factor()
    .positive()
    .optional()
    .describe('Upper clip range: 1 + epsilon_high; of cispo, the largest ratio itself. Left out: epsilon.'),
  delta: factor()
    .positive()
    .optional()
    .describe(
      'Bound of the ratio that is not clipped (two-sided clipping); more than 1 + epsilon_high. Left out: none.',
    ),
  sapo_temperature_pos: factor().positive().default(1).describe('sapo: sharpness of the gate for A > 0.'),
  sapo_temperature_neg: factor().positive().default(1.05).describe('sapo: the same for A ≤ 0.'),
  vespo_k_pos: factor().nonnegative().default(2).describe('vespo: exponent of the ratio for A ≥ 0.'),
  vespo_lambda_pos: factor().nonnegative().default(3).describe('vespo: decay by the ratio for A ≥ 0.'),
  vespo_k_neg: factor().nonnegative().default(3).describe('vespo: exponent of the ratio for A < 0.'),
  vespo_lambda_neg: factor().nonnegative().default(2).describe('vespo: decay by the ratio for A < 0.'),
  top_entropy_quantile: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      'Learn only from this part of a micro-batch’s tokens, the most uncertain (0.2 in the paper); 1: from all.',
    ),
  mask_truncated_completions: z
    .boolean()
    .default(false)
    .describe('Leave completions that were cut off out of the loss (DAPO); their rewards still count in the group.'),
  dynamic_sampling: z
    .boolean()
    .default(false)
    .describe(
      'Draw other prompts for groups whose completions are all worth the same, which teach nothing (DAPO); metrics are of all that were drawn.',
    ),
  max_resample_times: count(1000)
    .default(3)
    .describe('dynamic_sampling: draw again so many times at most; what is left without a spread stays.'),
  guide_all_wrong: z
    .boolean()
    .default(false)
    .describe(
      'Where all completions of a group are wrong alike, the annotated answer takes the place of one (LUFFY): else nothing pulls a policy back from an answer that it always gives.',
    ),
  sync_ref_model: z
    .boolean()
    .default(false)
    .describe('Let the reference follow the policy (TR-DPO). Full fine-tuning only.'),
  ref_model_mixup_alpha: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe('sync_ref_model: the reference becomes α · policy + (1 − α) · reference.'),
  ref_model_sync_steps: count().default(512).describe('sync_ref_model: every so many steps.'),
  importance_sampling_mode: z
    .enum(['token_truncate', 'token_mask', 'sequence_truncate', 'sequence_mask'])
    .optional()
    .describe(
      'Where another sampler recorded its log-probs: π_old / π_sampler of tokens or sequences is truncated, or masked beyond the bound. Left out: token_truncate.',
    ),
  importance_sampling_clip_max: factor().positive().optional().describe('Bound of that ratio. Left out: 3.'),
  num_iterations: count(1000).default(1).describe('Times that one rollout is learned from; 1 is on-policy.'),
  steps_per_generation: count(LIMITS.prompts_per_step)
    .optional()
    .describe(
      'Micro-batches that a rollout of training.prompts_per_step prompts is worked through in; every training.gradient_accumulation_steps of them make an update. Left out: one update.',
    ),
});
