import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';

const BASE = { name: 'a', model: { path: 'm' } };
const TAG = { source: 'jsonl', annotations: 'a', videos: 'v', task: 'tag' };

/** The paths of a config's issues. */
function issues(options: object): string[] {
  const parsed = configSchema.safeParse({ ...BASE, ...options });
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'));
}

const IMPOSSIBLE: [string, object][] = [
  ['rollout.num_generations', { rollout: { num_generations: 1 } }],
  ['rewards', { rewards: [] }],
  ['rewards', { rewards: [{ name: 'format', weight: 0 }] }],
  ['rewards', { rewards: [{ name: 'format' }, { name: 'format' }] }],
  ['model.adapter', { model: { path: 'm', adapter: 'x' } }],
  ['data.video.min_pixels', { data: { video: { min_pixels: 10, max_pixels: 9 } } }],
  ['rollout.min_completion_length', { rollout: { min_completion_length: 10, max_completion_length: 9 } }],
  ['grpo.epsilon_high', { grpo: { epsilon: 0.2, epsilon_high: 0.1 } }],
  ['training.warmup_steps', { training: { max_steps: 9, warmup_steps: 10 } }],
  ['training.warmup_steps', { training: { lr_scheduler_type: 'constant', warmup_steps: 1 } }],
  ['training.min_lr_ratio', { training: { lr_scheduler_type: 'constant_with_warmup', min_lr_ratio: 0.1 } }],
  ['training.gradient_accumulation_steps', { training: { prompts_per_step: 4, gradient_accumulation_steps: 3 } }],
  ['training.eval_steps', { training: { eval_steps: 10 } }],
  ['grpo.epsilon_high', { grpo: { loss_type: 'cispo' } }],
  ['grpo.delta', { grpo: { delta: 1.2 } }],
  ['grpo.delta', { grpo: { delta: 2, loss_type: 'sapo' } }],
  ['grpo.importance_sampling_mode', { grpo: { loss_type: 'vespo', importance_sampling_mode: 'sequence_mask' } }],
  ['grpo.sync_ref_model', { grpo: { sync_ref_model: true, beta: 0 } }],
  ['grpo.sync_ref_model', { grpo: { sync_ref_model: true }, model: { path: 'm', lora: {} } }],
  ['grpo.scale_rewards', { grpo: { multi_objective_aggregation: 'normalize_then_sum', scale_rewards: 'none' } }],
  ['grpo.steps_per_generation', { grpo: { steps_per_generation: 3 }, training: { prompts_per_step: 4 } }],
  [
    'grpo.steps_per_generation',
    { grpo: { steps_per_generation: 3 }, training: { prompts_per_step: 6, gradient_accumulation_steps: 2 } },
  ],
  ['data.train', { data: { train: [{ ...TAG, weight: 1 }, TAG] } }],
  ['data.eval', { data: { eval: [{ ...TAG, weight: 1 }] } }],
  ['data.curriculum', { data: { curriculum: {} }, method: 'sft' }],
  ['data.curriculum', { data: { curriculum: { by: 'length' } } }],
  ['data.curriculum', { data: { curriculum: { min_success: 0.9, max_success: 0.1 } } }],
  ['data.curriculum', { data: { curriculum: { order: 'easy_first' }, train: [{ ...TAG, weight: 1 }] } }],
  [
    'rewards',
    {
      rewards: [
        { name: 'module', path: 'a/b.ts' },
        { name: 'module', path: 'c/b.js' },
      ],
    },
  ],
];

const POSSIBLE: object[] = [
  {},
  { method: 'sft', rewards: [], rollout: { num_generations: 1 } },
  { rewards: [{ name: 'format', weight: 0 }, { name: 'accuracy' }] },
  {
    rewards: [
      { name: 'module', path: 'b.ts' },
      { name: 'module', path: 'b.ts', as: 'c' },
    ],
  },
  { grpo: { loss_type: 'cispo', epsilon_high: 5 } },
  { grpo: { delta: 1.5, sync_ref_model: true, steps_per_generation: 4 }, training: { prompts_per_step: 8 } },
  { data: { curriculum: { order: 'hard_first' }, train: [{ ...TAG }] } },
  { model: { path: 'm', lora: {}, adapter: 'x' } },
  { model: { path: 'm', freeze_vision: false } },
  { model: { path: 'm', freeze_vision: false, lora: { target_modules: 'all-linear' } } },
  { data: { video: { min_pixels: 9, max_pixels: 9 } } },
  { rollout: { min_completion_length: 9, max_completion_length: 9 } },
  { grpo: { epsilon: 0.2, epsilon_high: 0.2 } },
  { training: { max_steps: 9, warmup_steps: 9, min_lr_ratio: 0.05 } },
  { training: { lr_scheduler_type: 'constant_with_warmup', warmup_steps: 1 } },
  { training: { prompts_per_step: 4, gradient_accumulation_steps: 4 } },
  { training: { eval_steps: 10 }, data: { eval: [TAG] } },
];

describe('combinations', () => {
  it.each(IMPOSSIBLE)('refuses at %s: %j', (path, options) => expect(issues(options)).toEqual([path]));
  it.each(POSSIBLE)('allows %j', (options) => expect(issues(options)).toEqual([]));

  it('are reported beside other problems, but not about options that are wrong themselves', () => {
    const options = { rollout: { num_generations: 1, top_p: 2 }, training: { max_steps: 'x', warmup_steps: 5 } };
    expect(issues(options)).toEqual(['rollout.top_p', 'training.max_steps', 'rollout.num_generations']);
    expect(issues({ training: 3 })).toEqual(['training']);
  });
});
