import { z } from 'zod';
import type { Metrics } from './metrics.js';

const streak = () => z.int().nonnegative();
export const healthSchema = z.object({
  /** Steps that the mean is of. */
  steps: streak(),
  /** Exponential mean of the training reward (of SFT, its negative loss), not corrected for its start at 0. */
  mean: z.number(),
  /** The highest that the corrected mean has been; `settled`: since it is one of enough steps. */
  highest: z.number().nullable(),
  settled: z.number().nullable(),
  /** Steps in a row, up to the last one, with each sign of ruin. */
  streaks: z.object({
    no_reward: streak(),
    no_spread: streak(),
    one_answer: streak().default(0),
    far: streak(),
    truncated: streak(),
    fallen: streak(),
  }),
});
type HealthState = z.infer<typeof healthSchema>;
type Sign = keyof HealthState['streaks'];

/** A step counts in the mean with 1 − this. */
const DECAY = 0.95;

/** Steps before the smoothed reward is more than luck; a loss is a mean of many tokens at once. */
const SETTLED = 10;

/** Nats a token. A policy that learns is below 1 of its reference. */
const FAR = 5;

/** Steps in a row after which a sign is told. */
const PATIENCE: Record<Sign, number> = { no_reward: 8, no_spread: 20, one_answer: 8, far: 3, truncated: 8, fallen: 1 };

/** Those that say that the policy has got worse. That it learns nothing more may have a good reason. */
const RUIN: readonly Sign[] = ['no_reward', 'far', 'fallen'];

/** What else the messages name. */
export interface HealthOptions {
  learning_rate: number;
  max_completion_length: number;
}

/** Watches the metrics of a run for signs that it goes wrong, so that people hear of it while they can stop it. */
export class Health {
  readonly #options: HealthOptions;
  readonly #told = new Set<Sign>();
  #state: HealthState;

  constructor({ options, state }: { options: HealthOptions; state?: HealthState }) {
    this.#options = options;
    this.#state = state ?? {
      steps: 0,
      mean: 0,
      highest: null,
      settled: null,
      streaks: { no_reward: 0, no_spread: 0, one_answer: 0, far: 0, truncated: 0, fallen: 0 },
    };
  }

  get state(): HealthState {
    return this.#state;
  }

  /** The training reward (of SFT, the negative loss), smoothed over about 20 steps; null where there was none yet. */
  get reward(): number | null {
    const { steps, mean } = this.#state;
    return steps === 0 ? null : mean / (1 - DECAY ** steps);
  }

  /** The signs of ruin that stand after the last step. */
  get ruin(): Sign[] {
    return RUIN.filter((sign) => this.#state.streaks[sign] >= PATIENCE[sign]);
  }

  /** What people should be told at the end of a run whose policy is ruined. */
  get farewell(): string | undefined {
    const { reward, ruin } = this;
    const { highest } = this.#state;
    if (ruin.length === 0 || reward === null || highest === null) return undefined;
    return `the run ends with a ruined policy: its reward is ${number(reward)} and was ${number(highest)} at its best (smoothed)`;
  }

  /** @returns what people should be told of a step, each kind once */
  observe(step: number, metrics: Metrics): string[] {
    const { steps, mean, highest, settled, streaks } = this.#state;
    const reward = metrics.reward ?? (typeof metrics.loss === 'number' ? -metrics.loss : null);
    if (reward !== null && Number.isFinite(reward))
      this.#state = { ...this.#state, steps: steps + 1, mean: DECAY * mean + (1 - DECAY) * reward };
    const smoothed = this.reward;
    const signs: Record<Sign, boolean> = {
      no_reward: metrics['groups/zero_variance'] === 1 && metrics.reward === 0,
      no_spread: metrics['groups/zero_variance'] === 1 && metrics.reward !== 0,
      one_answer: commonMistake(metrics) !== undefined,
      far: (metrics.kl ?? 0) > FAR,
      truncated: metrics['completions/truncated'] === 1,
      fallen: smoothed !== null && settled !== null && hasFallen(smoothed, settled),
    };
    const higher = (before: number | null) => (smoothed === null ? before : Math.max(smoothed, before ?? smoothed));
    this.#state = {
      ...this.#state,
      highest: higher(highest),
      settled: metrics.reward !== undefined && this.#state.steps < SETTLED ? null : higher(settled),
      streaks: mapSigns((sign) => (signs[sign] ? streaks[sign] + 1 : 0)),
    };
    const isRuinTold = RUIN.some((sign) => this.#told.has(sign));
    const due = SIGNS.filter(
      (sign) =>
        this.#state.streaks[sign] >= PATIENCE[sign] && !this.#told.has(sign) && !(sign === 'fallen' && isRuinTold),
    );
    for (const sign of due) this.#told.add(sign);
    return due.map((sign) => `step ${step}: ${this.#describe(sign, metrics)}`);
  }

  #describe(sign: Sign, metrics: Metrics): string {
    const { learning_rate, max_completion_length } = this.#options;
    const highest = this.#state.highest ?? 0;
    const settled = this.#state.settled ?? 0;
    const start = `start again from the model, or from a checkpoint of before, with a lower training.learning_rate (now ${learning_rate})`;
    switch (sign) {
      case 'no_reward':
        return highest > 0
          ? `in ${PATIENCE.no_reward} steps every completion got the reward 0 (it was ${number(highest)} at its best, smoothed): the policy is ruined, and nothing is learned any more; ${start}`
          : `in ${PATIENCE.no_reward} steps every completion got the reward 0: nothing is learned; look into completions.jsonl for what the model answers (SFT teaches it the form)`;
      case 'no_spread':
        return `in ${PATIENCE.no_spread} steps the completions of each group got the same reward (now ${number(metrics.reward ?? 0)}): nothing is learned; more rollout.num_generations or a higher rollout.temperature make them differ, if they are not all right`;
      case 'one_answer': {
        const { task, answer } = commonMistake(metrics)!;
        return `in ${PATIENCE.one_answer} steps all completions of most ${task} groups gave the same wrong answer (now ${answer}): groups that agree teach nothing, so nothing pulls the policy back. If it knew better before, ${start}, or with a higher grpo.beta; if not, SFT teaches it the answers`;
      }
      case 'far':
        return `the policy has left the reference far behind (KL ${number(metrics.kl ?? 0)} nats a token, for ${PATIENCE.far} steps more than ${FAR}): it is probably ruined; ${start}`;
      case 'truncated':
        return `in ${PATIENCE.truncated} steps every completion was cut off at rollout.max_completion_length (${max_completion_length}): the model does not come to an end; give it more, or, if it did before, a lower training.learning_rate (now ${learning_rate})`;
      case 'fallen':
        return metrics.reward === undefined
          ? `the loss has risen from ${number(-settled)} to ${number(-this.reward!)} (smoothed); ${start}`
          : `the reward has fallen from ${number(settled)} to ${number(this.reward!)} (smoothed); ${start}`;
    }
  }
}

/** The share of a task's groups that give one wrong answer, from which on it is told. */
const COMMON = 0.5;

/** The answer that most groups of a task give, all their completions, and that is wrong. */
function commonMistake(metrics: Metrics): { task: string; answer: string } | undefined {
  for (const [key, share] of Object.entries(metrics)) {
    const [, task, answer] = /^([^/]+)\/groups\/all_wrong\/(.+)$/.exec(key) ?? [];
    if (task !== undefined && answer !== undefined && (share ?? 0) >= COMMON) return { task, answer };
  }
  return undefined;
}

const number = (value: number): string => String(Number(value.toPrecision(3)));

const SIGNS = Object.keys(PATIENCE) as Sign[];

const mapSigns = <T>(value: (sign: Sign) => T): Record<Sign, T> =>
  Object.fromEntries(SIGNS.map((sign) => [sign, value(sign)])) as Record<Sign, T>;

/** Of a reward: to less than half. Of a negative loss: to more than twice, and by a whole nat. */
const hasFallen = (now: number, highest: number): boolean =>
  highest > 0 ? now < highest / 2 : now < 2 * highest && now < highest - 1;
