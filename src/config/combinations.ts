import type { z } from 'zod';
import type { Combination, Path } from './combination.js';
import { ENGINE_COMBINATIONS } from './engine-combinations.js';
import type { Options } from './options.js';
import { termName } from './rewards.js';

/** A budget in money says nothing where prices are not known. */
const pricesMissing = (server: Options['evaluation']['server']): string | undefined =>
  server?.budget !== undefined && server.input_price === undefined && server.output_price === undefined
    ? 'has a budget, which needs prices to be kept: give input_price and output_price'
    : undefined;

const COMBINATIONS: Combination[] = [
  {
    reads: [['rollout', 'num_generations'], ['method']],
    problem: ({ method, rollout }) =>
      method === 'grpo' && rollout.num_generations < 2
        ? 'must be at least 2: a completion is compared with the others of its group'
        : undefined,
  },
  {
    reads: [['rewards'], ['method']],
    problem: ({ method, rewards }) =>
      method === 'grpo' && rewards.every(({ weight }) => weight === 0)
        ? 'must hold a term whose weight is not 0: there is nothing to learn from'
        : undefined,
  },
  {
    reads: [['rewards']],
    problem: ({ rewards }) => {
      const names = rewards.map(termName);
      const twice = names.find((name, i) => names.indexOf(name) !== i);
      return twice === undefined
        ? undefined
        : `names “${twice}” twice; give the term once, with the weights added (a module another name, with as)`;
    },
  },
  ...ENGINE_COMBINATIONS,
  {
    reads: [
      ['model', 'adapter'],
      ['model', 'lora'],
    ],
    problem: ({ model }) =>
      model.adapter !== undefined && !model.lora
        ? 'needs model.lora; for full fine-tuning merge it into the model first (vau-rft merge)'
        : undefined,
  },
  {
    reads: [
      ['data', 'video', 'min_pixels'],
      ['data', 'video', 'max_pixels'],
    ],
    problem: ({ data: { video } }) => atMost(video.min_pixels, video.max_pixels, 'data.video.max_pixels'),
  },
  {
    reads: [
      ['data', 'image', 'min_pixels'],
      ['data', 'image', 'max_pixels'],
    ],
    problem: ({ data: { image } }) => atMost(image.min_pixels, image.max_pixels, 'data.image.max_pixels'),
  },
  {
    reads: [
      ['rollout', 'min_completion_length'],
      ['rollout', 'max_completion_length'],
    ],
    problem: ({ rollout }) =>
      atMost(rollout.min_completion_length, rollout.max_completion_length, 'rollout.max_completion_length'),
  },
  {
    reads: [
      ['grpo', 'epsilon_high'],
      ['grpo', 'epsilon'],
    ],
    problem: ({ grpo }) =>
      grpo.epsilon_high === undefined ? undefined : atLeast(grpo.epsilon_high, grpo.epsilon, 'grpo.epsilon'),
  },
  {
    reads: [
      ['grpo', 'delta'],
      ['grpo', 'epsilon_high'],
      ['grpo', 'epsilon'],
    ],
    problem: ({ grpo: { delta, epsilon, epsilon_high = epsilon } }) =>
      delta === undefined || delta > 1 + epsilon_high
        ? undefined
        : `must be more than 1 + epsilon_high (${1 + epsilon_high}), got ${delta}`,
  },
  {
    reads: [
      ['grpo', 'epsilon_high'],
      ['grpo', 'loss_type'],
    ],
    problem: ({ grpo }) =>
      grpo.loss_type === 'cispo' && grpo.epsilon_high === undefined
        ? 'must be given with loss_type: cispo, where it is the largest ratio itself (5 in ScaleRL)'
        : undefined,
  },
  {
    reads: [
      ['grpo', 'scale_rewards'],
      ['grpo', 'multi_objective_aggregation'],
    ],
    problem: ({ grpo }) =>
      grpo.multi_objective_aggregation === 'normalize_then_sum' && grpo.scale_rewards !== 'group'
        ? 'has no effect with multi_objective_aggregation: normalize_then_sum; leave it out'
        : undefined,
  },
  {
    reads: [['data', 'train']],
    problem: ({ data: { train } }) => {
      const weighted = train.filter(({ weight }) => weight !== undefined).length;
      return weighted === 0 || weighted === train.length
        ? undefined
        : 'gives a weight to some of its sources; give one to each, or to none';
    },
  },
  {
    reads: [['rewards'], ['judge']],
    problem: ({ rewards, judge }) =>
      judge === undefined && rewards.some(({ name }) => name === 'judge')
        ? 'names judge, and nobody is named to ask: give the config a judge, with base_url and model'
        : undefined,
  },
  {
    reads: [['judge']],
    problem: ({ judge }) => pricesMissing(judge),
  },
  {
    reads: [['evaluation', 'server']],
    problem: ({ evaluation }) => pricesMissing(evaluation.server),
  },
  {
    reads: [['evaluation', 'second_judge']],
    problem: ({ evaluation }) => pricesMissing(evaluation.second_judge),
  },
  {
    reads: [['data', 'eval']],
    problem: ({ data }) =>
      data.eval.some(({ weight }) => weight !== undefined) ? 'takes no weight: all of it is evaluated' : undefined,
  },
  {
    reads: [['data', 'curriculum'], ['rewards'], ['method'], ['data', 'train']],
    problem: ({ data: { curriculum, train }, rewards, method }) => {
      if (curriculum === undefined) return undefined;
      if (method !== 'grpo') return 'is for method: grpo; in SFT there are no groups to judge by';
      const names = rewards.map(termName);
      if (!names.includes(curriculum.by))
        return `goes by the reward ${curriculum.by}, which is not among rewards (${names.join(', ')})`;
      if (curriculum.min_success > curriculum.max_success) return 'has a min_success above its max_success';
      return curriculum.order !== 'shuffled' && train.some(({ weight }) => weight !== undefined)
        ? 'cannot order a mix with weights; leave out order, or the weights of data.train'
        : undefined;
    },
  },
  {
    reads: [
      ['grpo', 'delta'],
      ['grpo', 'loss_type'],
    ],
    problem: ({ grpo }) =>
      grpo.delta !== undefined && ['cispo', 'sapo', 'vespo'].includes(grpo.loss_type)
        ? `has no effect with loss_type: ${grpo.loss_type}, which clips no ratio on two sides`
        : undefined,
  },
  {
    reads: [
      ['grpo', 'importance_sampling_mode'],
      ['grpo', 'loss_type'],
    ],
    problem: ({ grpo }) =>
      grpo.loss_type === 'vespo' && grpo.importance_sampling_mode?.startsWith('sequence')
        ? 'must be token_truncate or token_mask with loss_type: vespo, which makes a ratio of the sequence itself'
        : undefined,
  },
  {
    reads: [
      ['grpo', 'sync_ref_model'],
      ['grpo', 'beta'],
      ['model', 'lora'],
    ],
    problem: ({ grpo, model }) => {
      if (!grpo.sync_ref_model) return undefined;
      if (grpo.beta === 0) return 'has no effect with grpo.beta: 0, which needs no reference';
      return model.lora ? 'is for full fine-tuning: with model.lora the reference is the model itself' : undefined;
    },
  },
  {
    reads: [
      ['grpo', 'steps_per_generation'],
      ['training', 'gradient_accumulation_steps'],
      ['training', 'prompts_per_step'],
    ],
    problem: ({ grpo: { steps_per_generation: steps }, training }) => {
      const { gradient_accumulation_steps: parts, prompts_per_step: prompts } = training;
      if (steps === undefined) return undefined;
      if (steps % parts !== 0)
        return `must be a multiple of training.gradient_accumulation_steps (${parts}), got ${steps}`;
      return prompts % steps === 0 ? undefined : `must divide training.prompts_per_step (${prompts}), got ${steps}`;
    },
  },
  {
    reads: [
      ['training', 'warmup_steps'],
      ['training', 'max_steps'],
    ],
    problem: ({ training }) => atMost(training.warmup_steps, training.max_steps, 'training.max_steps'),
  },
  {
    reads: [
      ['training', 'warmup_steps'],
      ['training', 'lr_scheduler_type'],
    ],
    problem: ({ training }) =>
      training.lr_scheduler_type === 'constant' && training.warmup_steps > 0
        ? 'has no effect with lr_scheduler_type: constant; take constant_with_warmup'
        : undefined,
  },
  {
    reads: [
      ['training', 'min_lr_ratio'],
      ['training', 'lr_scheduler_type'],
    ],
    problem: ({ training }) =>
      training.lr_scheduler_type.startsWith('constant') && training.min_lr_ratio > 0
        ? `has no effect with lr_scheduler_type: ${training.lr_scheduler_type}; take linear or cosine`
        : undefined,
  },
  {
    reads: [
      ['training', 'gradient_accumulation_steps'],
      ['training', 'prompts_per_step'],
    ],
    problem: ({ training: { gradient_accumulation_steps: parts, prompts_per_step: prompts } }) =>
      prompts % parts === 0 ? undefined : `must divide training.prompts_per_step (${prompts}), got ${parts}`,
  },
  {
    reads: [
      ['training', 'eval_steps'],
      ['data', 'eval'],
    ],
    problem: ({ training, data }) =>
      training.eval_steps > 0 && data.eval.length === 0
        ? 'asks for evaluations, but data.eval is empty; name a held-out source there or set it to 0'
        : undefined,
  },
  {
    reads: [
      ['training', 'eval_on_start'],
      ['data', 'eval'],
    ],
    problem: ({ training, data }) =>
      training.eval_on_start && data.eval.length === 0
        ? 'asks for an evaluation, but data.eval is empty; name a held-out source there or set it to false'
        : undefined,
  },
];

function atMost(value: number, limit: number, name: string): string | undefined {
  return value <= limit ? undefined : `must be at most ${name} (${limit}), got ${value}`;
}

function atLeast(value: number, limit: number, name: string): string | undefined {
  return value >= limit ? undefined : `must be at least ${name} (${limit}), got ${value}`;
}

/** Adds an issue for each broken combination; rules that look at an option which is itself wrong are passed over. */
export function reportCombinations(options: Options, context: z.RefinementCtx): void {
  const wrong = context.issues
    .filter(({ code }) => code !== 'unrecognized_keys')
    .map(({ path }) => (path ?? []) as Path);
  for (const { reads, problem } of COMBINATIONS) {
    if (reads.some((read) => wrong.some((path) => overlap(read, path)))) continue;
    const message = problem(options);
    if (message !== undefined) context.addIssue({ code: 'custom', path: reads[0], message });
  }
}

/** Whether one path is the other or lies inside it. */
function overlap(a: Path, b: Path): boolean {
  return a.slice(0, b.length).every((key, i) => key === b[i]);
}
