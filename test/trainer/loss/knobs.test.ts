import { describe, expect, it } from 'vitest';
import { optionsSchema } from '../../../src/config/options.js';
import type { Policy } from '../../../src/policy/policy.js';
import { advantagesOf } from '../../../src/trainer/advantages.js';
import { klEstimator } from '../../../src/trainer/loss/kl.js';
import { needsAllTokens } from '../../../src/trainer/loss/objective.js';
import { accumulateGrpo, type Group, toMicroBatches } from '../../../src/trainer/micro-batch.js';
import { chunks } from '../../../src/trainer/update.js';
import { largestDifference, readJsonFixture } from '../../policy/reference-models.js';
import { objectiveWith } from '../objective.js';

type Settings = Partial<Parameters<typeof objectiveWith>[0]> & {
  mask_truncated_completions?: boolean;
  steps_per_generation?: number;
  recorded?: boolean;
};

/** What scripts/fixtures/knobs.py had TRL compute. */
interface Knobs {
  lengths: number[][];
  truncated: number[][];
  max_completion_length: number;
  /** By completion. */
  numbers: Record<'logprobs' | 'old' | 'reference' | 'entropies' | 'importance', number[][]> & { advantages: number[] };
  /** `losses` of the four micro-batches. */
  cases: Record<string, { settings: Settings; losses: number[]; gradient: number[][] }>;
  estimators: Record<'k1' | 'k2' | 'k3', { sum: number; gradient: number[] }>;
  gdpo: { values: Record<string, (number | null)[]>; weights: Record<string, number>; advantages: number[] };
}

const knobs = await readJsonFixture<Knobs>('knobs.json');
const G = 3;

/** The loss and its gradient by log π of each micro-batch, from numbers that no policy has made. */
function lossesOf(settings: Settings) {
  const { numbers, lengths, truncated, max_completion_length } = knobs;
  const objective = objectiveWith({ ...settings, max_completion_length, temperature: 1 });
  const prompt = { tokenIds: Int32Array.of(1), positions: new Int32Array(3), nextPosition: 1, visuals: [] };
  const groups = lengths.map(
    (own, b): Group => ({
      prompt,
      completions: own.map((length) => new Int32Array(length)),
      advantages: numbers.advantages.slice(b * G, (b + 1) * G),
      masked: truncated[b]!.map((is) => settings.mask_truncated_completions === true && is === 1),
    }),
  );
  const updates = settings.steps_per_generation === undefined ? 1 : 2;
  const counted = groups.flatMap(({ completions, masked }) => completions.filter((_, g) => !masked![g]));
  const tokens = counted.reduce((sum, { length }) => sum + length, 0);
  const totals = {
    sequences: (groups.length * G) / updates,
    tokens: tokens / updates,
    microBatches: groups.length / updates,
  };
  const microBatches = toMicroBatches(chunks(groups, groups.length), objective, totals);
  return microBatches.map((microBatch, b) => {
    const floats = (name: 'logprobs' | 'old' | 'reference' | 'entropies') =>
      Float32Array.from(numbers[name].slice(b * G, (b + 1) * G).flat());
    const [logprobs, entropies] = [floats('logprobs'), floats('entropies')];
    let gradient = new Float32Array();
    const policy = {
      scoreBackward: ({ gradient: of }: Parameters<Policy['scoreBackward']>[0]) => {
        gradient = of(0, { logprobs, entropies }) as Float32Array<ArrayBuffer>;
        return { logprobs, entropies };
      },
    } as unknown as Policy;
    microBatch.oldLogprobs = floats('old');
    if (objective.beta > 0) microBatch.referenceLogprobs = floats('reference');
    if (settings.recorded)
      microBatch.importance = Float64Array.from(numbers.importance.slice(b * G, (b + 1) * G).flat());
    const { loss } = accumulateGrpo({ policy, microBatch, objective });
    return { loss, gradient: [...gradient] };
  });
}

describe('the loss is TRL’s', () => {
  it.each(Object.entries(knobs.cases))('%s', (_, { settings, losses, gradient }) => {
    const found = lossesOf(settings);
    for (const [i, loss] of losses.entries()) expect(found[i]!.loss).toBeCloseTo(loss, 5);
    const size = Math.max(...gradient.flat().map(Math.abs));
    const difference = largestDifference(
      found.flatMap((part) => part.gradient),
      gradient.flat(),
    );
    expect(difference / size).toBeLessThan(1e-5);
  });

  it('the settings matter: no two have the same gradient', () => {
    const gradients = Object.values(knobs.cases).map(({ gradient }) => JSON.stringify(gradient));
    // bnpo of one group a micro-batch is not grpo, yet luspo by tokens may be none of them.
    expect(new Set(gradients).size).toBe(gradients.length);
  });

  it('knows which need all tokens of a completion at once', () => {
    const needing = Object.values(knobs.cases).filter(({ settings }) => needsAllTokens(objectiveWith(settings)));
    for (const { settings } of needing)
      expect(
        settings.importance_sampling_level === 'sequence' ||
          settings.loss_type === 'vespo' ||
          (settings.top_entropy_quantile ?? 1) < 1,
      ).toBe(true);
    expect(needing.length).toBeGreaterThan(5);
  });
});

it.each(['k1', 'k2', 'k3'] as const)('%s: the estimate and its gradient are Schulman’s', (name) => {
  const estimate = klEstimator(name);
  const { logprobs, reference } = knobs.numbers;
  const deltas = logprobs.flat().map((logprob, t) => reference.flat()[t]! - logprob);
  const found = deltas.map(estimate);
  expect(found.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(knobs.estimators[name].sum, 4);
  expect(
    largestDifference(
      found.map(({ derivative }) => derivative),
      knobs.estimators[name].gradient,
    ),
  ).toBeLessThan(1e-5);
});

describe('multi_objective_aggregation', () => {
  const { values, weights, advantages } = knobs.gdpo;
  const names = Object.keys(values);
  const worth = chunks(
    values[names[0]!]!.map((_, i) => {
      const rewards = Object.fromEntries(names.map((name) => [name, values[name]![i]!]));
      const reward = names.reduce((sum, name) => sum + weights[name]! * (rewards[name] ?? 0), 0);
      return { reward: reward as number | null, rewards };
    }),
    4,
  );
  const options = (multi_objective_aggregation: 'sum_then_normalize' | 'normalize_then_sum') => ({
    worth,
    weights,
    options: { scale_rewards: 'group' as const, multi_objective_aggregation },
  });

  it('normalize_then_sum: as TRL’s, where a term says nothing too', () => {
    const found = advantagesOf(options('normalize_then_sum')).flat() as number[];
    expect(largestDifference(found, advantages)).toBeLessThan(1e-6);
  });

  it('sum_then_normalize gives others', () => {
    const found = advantagesOf(options('sum_then_normalize')).flat() as number[];
    expect(largestDifference(found, advantages)).toBeGreaterThan(0.1);
  });

  it('a completion whose worth is not known counts in nothing', () => {
    const unknown = worth.map((group, b) =>
      b === 0 ? [...group, { reward: null, rewards: { format: 1, iou: 1 } }] : group,
    );
    const found = advantagesOf({ ...options('normalize_then_sum'), worth: unknown });
    expect(found[0]![3]).toBeNull();
    expect(
      largestDifference(
        found.flat().filter((x) => x !== null),
        advantages,
      ),
    ).toBeLessThan(1e-6);
  });
});

it('defaults are TRL’s, but for beta, loss_type and the estimator that TRL has no name for', () => {
  const { sapo_temperature_neg, sapo_temperature_pos, vespo_k_neg, vespo_k_pos, vespo_lambda_neg, vespo_lambda_pos } =
    optionsSchema.shape.grpo.parse({});
  expect([sapo_temperature_neg, sapo_temperature_pos]).toEqual([1.05, 1]);
  expect([vespo_k_pos, vespo_lambda_pos, vespo_k_neg, vespo_lambda_neg]).toEqual([2, 3, 3, 2]);
});
