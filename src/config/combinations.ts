import type { z } from 'zod';
import type { Options } from './options.js';

type Path = (string | number)[];

/** Options that are right one by one and cannot work together. */
interface Combination {
  /** What the rule looks at; the first is where the problem is reported. */
  reads: [Path, ...Path[]];
  /** What is wrong and what to do about it, or undefined. */
  problem: (options: Options) => string | undefined;
}

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
      const names = rewards.map(({ name }) => name);
      const twice = names.find((name, i) => names.indexOf(name) !== i);
      return twice === undefined ? undefined : `names “${twice}” twice; give the term once, with the weights added`;
    },
  },
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
