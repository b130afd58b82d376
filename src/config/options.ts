import { z } from 'zod';
import { LIMITS } from './limits.js';
import { DEFAULT_REWARDS, rewardSchema } from './rewards.js';
import { TASK_NAMES } from './task-names.js';
import { textOf } from './words-file.js';

/**
 * Every option of a run. Names are TRL's wherever TRL has one; defaults are VAU-R1's, except `num_generations` (8, not
 * 4). A file is a YAML form of this (`configs/*.yaml`); this module knows nothing of models or tensors.
 */

/** Not `z.int`, whose issue would keep the combinations from being looked at in the same go. */
const integer = () => z.number().multipleOf(1);
const count = (most: number = LIMITS.count) => integer().positive().max(most);
const countOrZero = () => integer().nonnegative().max(LIMITS.count);
const factor = () => z.number().max(LIMITS.factor);
const path = () => z.string().min(1);

export const taskSchema = z.enum(TASK_NAMES);

/** The linear layers of a decoder block, by their names in Hugging Face's weights. */
export const LORA_TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

const moduleNames = () => z.array(z.string().min(1)).min(1);
const patterns = (value: z.ZodType<number>) => z.record(z.string().min(1), value);

const lora = z.strictObject({
  r: count(LIMITS.r).default(16).describe('Rank of the two factors.'),
  lora_alpha: factor().positive().default(32).describe('The update is scaled by lora_alpha / r.'),
  target_modules: z
    .union([z.string().min(1), moduleNames()])
    .default([...LORA_TARGETS])
    .describe(
      'The layers that get an adapter, by the ends of their names; all-linear: all but the output layer; other text: a pattern of whole names. Those of the vision tower only with freeze_vision: false.',
    ),
  exclude_modules: z
    .union([z.string().min(1), moduleNames()])
    .optional()
    .describe('Layers that get none, by the ends of their names or a pattern of whole names.'),
  rank_pattern: patterns(count(LIMITS.r)).optional().describe('Other ranks, by patterns that layer names end with.'),
  alpha_pattern: patterns(factor().positive()).optional().describe('Other lora_alpha, by the same.'),
  use_rslora: z.boolean().default(false).describe('Scale by lora_alpha / √r (Kalajdzievski 2023).'),
  use_dora: z
    .literal(false, 'DoRA is not trained here; an adapter that has it can be merged (vau-rft merge)')
    .optional()
    .describe('Not supported.'),
  modules_to_save: moduleNames()
    .optional()
    .describe('Modules that are trained whole beside the adapter and saved with it, by the ends of their names.'),
});

const model = z.strictObject({
  path: path().describe('A model folder in Hugging Face layout, or a hub id.'),
  dtype: z
    .enum(['auto', 'bfloat16', 'float32'])
    .default('auto')
    .describe('What frozen weights are kept and multiplied in. auto: bfloat16 where the device has it, else float32.'),
  freeze_vision: z
    .boolean()
    .default(true)
    .describe('Leave the vision tower as it is; its output is then kept a video.'),
  lora: lora
    .optional()
    .describe('Train a low-rank adapter (LoRA), with the names of peft. Left out: all weights are trained.'),
  adapter: path().optional().describe('A PEFT adapter folder to start from; its shape must be that of model.lora.'),
});

const sourceWeight = factor()
  .positive()
  .optional()
  .describe('data.train: how much of what is drawn comes from it, relative to the others. Left out: by its size.');

const source = z.discriminatedUnion('source', [
  z.strictObject({
    source: z.literal('vau-bench'),
    annotations: path().describe('A CSV file of VAU-Bench.'),
    videos: path().describe('The folder that the video paths of the annotations start from.'),
    task: taskSchema.describe('The question asked of each video.'),
    weight: sourceWeight,
  }),
  z.strictObject({
    source: z.literal('jsonl'),
    annotations: path().describe('A file with one JSON object a line.'),
    videos: path().describe('The folder that the video paths of the annotations start from.'),
    task: taskSchema.optional().describe('Take only this task; lines that name none are taken as it.'),
    weight: sourceWeight,
  }),
]);

/** What one video may cost: frames of 8192 × 4320 (8K), and what decoding those takes. */
export const VIDEO_BOUNDS = {
  max_source_pixels: 35_389_440,
  max_decode_memory_mib: 2048,
  max_decode_seconds: 600,
} as const;

const video = z.strictObject({
  fps: z.number().positive().max(LIMITS.fps).default(1).describe('Frames a second to sample.'),
  max_frames: count(LIMITS.max_frames).default(16).describe('At most this many frames a video, spread over all of it.'),
  min_pixels: count(LIMITS.pixels).default(12544).describe('Smaller frames are enlarged to this height · width.'),
  max_pixels: count(LIMITS.pixels).default(100352).describe('Larger frames are shrunk to this height · width.'),
  max_source_pixels: count()
    .default(VIDEO_BOUNDS.max_source_pixels)
    .describe('A video whose own frames have a larger height · width is left out.'),
  max_decode_memory_mib: count()
    .default(VIDEO_BOUNDS.max_decode_memory_mib)
    .describe('A video that takes ffmpeg more memory (MiB of address space, a process) is left out.'),
  max_decode_seconds: z
    .number()
    .positive()
    .default(VIDEO_BOUNDS.max_decode_seconds)
    .describe('A video that takes ffmpeg longer, all its processes together, is left out.'),
});

const image = z.strictObject({
  min_pixels: count(LIMITS.pixels).default(3136).describe('Smaller pictures are enlarged to this height · width.'),
  max_pixels: count(LIMITS.pixels).default(1_003_520).describe('Larger pictures are shrunk to this height · width.'),
  max_source_pixels: count()
    .default(VIDEO_BOUNDS.max_source_pixels)
    .describe('A picture whose own height · width is larger is left out.'),
});

/** Text, or a file that holds it: its words are what the resolved config has. */
const words = () => z.union([z.string().min(1), z.strictObject({ file: path() })]).transform(textOf);

const success = () => z.number().min(-LIMITS.factor).max(LIMITS.factor);

const curriculum = z.strictObject({
  by: z.string().min(1).default('accuracy').describe('The reward whose mean over a group is its success.'),
  min_success: success().default(0).describe('A sample whose last group had less is passed over.'),
  max_success: success().default(1).describe('The same of one that had more.'),
  again_after: count().default(3).describe('Epochs after which a sample that is passed over comes again.'),
  order: z
    .enum(['shuffled', 'easy_first', 'hard_first'])
    .default('shuffled')
    .describe('Of an epoch, by success so far.'),
});

const data = z.strictObject({
  train: z.array(source).default([]).describe('What to train on; several sources are put together.'),
  eval: z.array(source).default([]).describe('Held-out samples for evaluation.'),
  prompt: z.enum(['think', 'direct']).default('think').describe('think: ask for <think>…</think> before the answer.'),
  system_prompt: words().optional().describe('A system message before the question. Left out: none.'),
  prompt_templates: z
    .partialRecord(taskSchema, words())
    .optional()
    .describe('Your own words for a task, in place of the built-in prompt; {file: path}: those of a file.'),
  shuffle_options: z
    .boolean()
    .default(false)
    .describe('qa, in training: another order of the options each epoch; the answer follows.'),
  curriculum: curriculum
    .optional()
    .describe('Choose samples by how well the policy’s own groups did on them (GRPO). Left out: all, shuffled.'),
  classes: z
    .array(z.string().min(1))
    .min(2)
    .optional()
    .describe('The labels of the cls task. Left out: VAU-Bench’s 20.'),
  video: video.prefault({}).describe('How frames are chosen and sized.'),
  image: image.prefault({}).describe('How pictures are sized.'),
  past_the_end: z
    .enum(['leave_out', 'tell'])
    .default('leave_out')
    .describe('Samples whose segment ends after the video, or whose video is cut off: leave them out, or only tell.'),
  max_prompt_length: count()
    .default(16384)
    .describe(
      'Tokens of a prompt, the video’s included (in SFT, the answer’s too); a sample with a longer one is left out.',
    ),
});

const rollout = z.strictObject({
  num_generations: count(LIMITS.num_generations).default(8).describe('Completions a prompt (the group, G).'),
  temperature: z
    .number()
    .min(0.001)
    .max(1000)
    .default(1)
    .describe('Logits are divided by this, in sampling and in log-probs.'),
  top_p: z.number().positive().max(1).default(1).describe('Sample from the fewest tokens that hold this probability.'),
  top_k: countOrZero().default(0).describe('Sample from the k most likely tokens; 0: from all.'),
  min_p: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Sample from tokens with at least this part of the likeliest one’s probability; 0: from all.'),
  repetition_penalty: z
    .number()
    .positive()
    .max(1000)
    .default(1)
    .describe(
      'Logits of tokens that stand in the prompt or the completion are divided by this where positive, else multiplied; 1: not.',
    ),
  max_completion_length: count(LIMITS.max_completion_length)
    .default(512)
    .describe('Tokens, after which a completion is cut off.'),
  min_completion_length: countOrZero().default(0).describe('Tokens, before which a completion may not end.'),
});

const grpo = z.strictObject({
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

const training = z.strictObject({
  max_steps: count().default(1000).describe('Optimizer steps of the whole run.'),
  prompts_per_step: count(LIMITS.prompts_per_step).default(1).describe('Prompts (groups) of one optimizer step.'),
  gradient_accumulation_steps: count(LIMITS.prompts_per_step)
    .default(1)
    .describe('Micro-batches whose gradients make one update.'),
  learning_rate: z.number().positive().max(1000).default(1e-6).describe('The highest learning rate.'),
  lr_scheduler_type: z
    .enum(['linear', 'cosine', 'constant', 'constant_with_warmup'])
    .default('linear')
    .describe('How the learning rate moves after the warm-up.'),
  warmup_steps: countOrZero().default(0).describe('Steps in which the learning rate rises from 0.'),
  min_lr_ratio: z.number().min(0).max(1).default(0).describe('linear and cosine end at this part of learning_rate.'),
  weight_decay: factor().nonnegative().default(0).describe('AdamW: decoupled weight decay, of matrices.'),
  decay_norms_and_biases: z
    .boolean()
    .default(false)
    .describe('AdamW: decay norms and biases too; Hugging Face’s Trainer does not.'),
  adam_beta1: z.number().min(0).lt(1).default(0.9).describe('AdamW: decay of the mean gradient.'),
  adam_beta2: z.number().min(0).lt(1).default(0.999).describe('AdamW: decay of the mean squared gradient.'),
  adam_epsilon: factor().positive().default(1e-8).describe('AdamW: added to the root of the mean square.'),
  max_grad_norm: z
    .number()
    .positive()
    .default(1)
    .describe('Gradients with a larger global norm are scaled down to it.'),
  save_steps: count().default(100).describe('Write a checkpoint every so many steps (and at the end).'),
  save_total_limit: count().default(3).describe('Keep this many checkpoints, the newest.'),
  save_best: z
    .boolean()
    .default(true)
    .describe(
      'Keep the best checkpoint besides: by the reward on data.eval (with eval_steps), else by the training reward.',
    ),
  eval_steps: countOrZero().default(0).describe('Evaluate on data.eval every so many steps; 0: never while training.'),
  logging_steps: count().default(1).describe('Show progress every so many steps (metrics.jsonl has every step).'),
  max_bad_steps: count().default(5).describe('Stop after so many steps in a row with a loss that is not finite.'),
});

const evaluation = z.strictObject({
  max_samples: count().optional().describe('Evaluate on the first so many samples. Left out: all.'),
  batch_size: count(LIMITS.batch_size).default(8).describe('Prompts that are decoded together.'),
  max_completion_length: count(LIMITS.max_completion_length)
    .optional()
    .describe('Tokens. Left out: rollout.max_completion_length.'),
});

export const optionsSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'may hold letters, digits, “_”, “-” and “.”: it names a folder')
    .describe('Name of the run.'),
  method: z.enum(['grpo', 'sft']).default('grpo').describe('Reinforcement, or supervised fine-tuning for a start.'),
  seed: integer().min(0).max(0xffffffff).default(42).describe('All randomness of the run is a function of it.'),
  model: model.describe('The policy.'),
  data: data.prefault({}).describe('Samples, and how they are shown to the model.'),
  rollout: rollout.prefault({}).describe('How completions are sampled.'),
  rewards: z
    .array(rewardSchema)
    .default(() => DEFAULT_REWARDS.map((term) => ({ ...term })))
    .describe('The terms of the reward; their weighted sum is what is learned from.'),
  grpo: grpo.prefault({}).describe('The GRPO objective.'),
  training: training.prefault({}).describe('Steps, optimizer, checkpoints.'),
  evaluation: evaluation.prefault({}).describe('Evaluation on data.eval, decoded greedily.'),
  output_dir: path().optional().describe('The run’s folder. Left out: runs/<name>.'),
});

/** The options as parsed, defaults filled in. */
export type Options = z.output<typeof optionsSchema>;
