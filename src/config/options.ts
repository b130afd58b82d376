import { z } from 'zod';
import { data } from './data-options.js';
import { engine } from './engine-options.js';
import { grpo } from './grpo-options.js';
import { judge, testedServer } from './judge-options.js';
import { LIMITS } from './limits.js';
import { count, countOrZero, factor, integer, path } from './numbers.js';
import { DEFAULT_REWARDS, rewardSchema } from './rewards.js';

/**
 * Every option of a run. Names are TRL's wherever TRL has one; defaults are VAU-R1's, except `num_generations` (8, not
 * 4). A file is a YAML form of this (`configs/*.yaml`); this module knows nothing of models or tensors.
 */

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
  engine: engine
    .prefault({ name: 'local' })
    .describe('What makes the completions: this process, or vLLM and SGLang servers that are given each adapter.'),
  max_staleness: z
    .number()
    .multipleOf(1)
    .min(0)
    .max(1)
    .default(0)
    .describe('Steps that a server may be ahead: 1 has it sample for the next step while this one is learned from.'),
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
  eval_on_start: z.boolean().default(false).describe('Evaluate before the first step too: what the run begins with.'),
  eval_steps: countOrZero().default(0).describe('Evaluate on data.eval every so many steps; 0: never while training.'),
  logging_steps: count().default(1).describe('Show progress every so many steps (metrics.jsonl has every step).'),
  max_bad_steps: count().default(5).describe('Stop after so many steps in a row with a loss that is not finite.'),
});

const frames = z.strictObject({
  fps: z.number().positive().max(LIMITS.fps).default(4).describe('Frames a second that votes are counted for.'),
  smoothing_s: z
    .number()
    .min(0)
    .max(86_400)
    .default(0)
    .describe('Seconds: the Gaussian that their scores are smoothed with along a video; 0: they are not.'),
});

const evaluation = z.strictObject({
  max_samples: count().optional().describe('Evaluate on the first so many samples. Left out: all.'),
  batch_size: count(LIMITS.batch_size).default(8).describe('Prompts that are decoded together.'),
  max_completion_length: count(LIMITS.max_completion_length)
    .optional()
    .describe('Tokens. Left out: rollout.max_completion_length.'),
  prompts: z
    .array(z.enum(['think', 'direct']))
    .min(1)
    .optional()
    .describe('vau-rft evaluate: the prompts that are asked. Left out: data.prompt.'),
  option_orders: count(24)
    .default(1)
    .describe('vau-rft evaluate, qa: times that each question is asked, its options in another order each time.'),
  votes: countOrZero()
    .max(LIMITS.num_generations)
    .default(0)
    .describe('vau-rft evaluate, tag: answers that are drawn for each video, to score its frames by; 0: none.'),
  views: z
    .array(z.enum(['grey', 'shuffled', 'other']))
    .default([])
    .describe('vau-rft evaluate: ask again with a grey video, its frames shuffled, or another video.'),
  frames: frames.prefault({}).describe('How votes score frames.'),
  server: testedServer.optional().describe('vau-rft evaluate: ask the model behind this server, in place of model.'),
  judge_runs: count(2)
    .default(1)
    .describe('vau-rft evaluate: 2: the judge grades twice, and how far it agrees is told.'),
  second_judge: judge.optional().describe('vau-rft evaluate: another judge, whose grades are to agree.'),
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
  judge: judge.optional().describe('A language model that grades descriptions: in evaluation, and as a reward.'),
  evaluation: evaluation.prefault({}).describe('Evaluation on data.eval, decoded greedily.'),
  output_dir: path().optional().describe('The run’s folder. Left out: runs/<name>.'),
});

/** The options as parsed, defaults filled in. */
export type Options = z.output<typeof optionsSchema>;
