import { mean, sum } from '../statistics/moments.js';
import type { Profile } from '../system/profile.js';
import { activeBackend } from '../tensor/active.js';

/** One line of `metrics.jsonl`, by key. Null: there was nothing to measure. */
export type Metrics = Record<string, number | null>;

export const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Lengths in tokens. */
export function lengthMetrics(lengths: number[], truncated: number): Metrics {
  return {
    'completions/mean_length': mean(lengths),
    'completions/min_length': Math.min(...lengths),
    'completions/max_length': Math.max(...lengths),
    'completions/truncated': truncated / lengths.length,
  };
}

/** What tokens count for another sampler's having drawn them, and how far its log-probs are off; named as in TRL. */
export function importanceMetrics({ weights, differences }: { weights: number[]; differences: number[] }): Metrics {
  const name = 'sampling/importance_sampling_ratio';
  return {
    'sampling/sampling_logp_difference/mean': orNull(mean(differences)),
    'sampling/sampling_logp_difference/max': differences.reduce((most, one) => Math.max(most, one), 0),
    [`${name}/mean`]: mean(weights),
    [`${name}/min`]: weights.reduce((least, weight) => Math.min(least, weight)),
    [`${name}/max`]: weights.reduce((most, weight) => Math.max(most, weight)),
  };
}

/** Tries of servers that came to nothing, in all processes: all of them, and each kind. */
export function faultMetrics(all: Readonly<Record<string, number>>[]): Metrics {
  const kinds = [...new Set(all.flatMap(Object.keys))].sort();
  const of = (kind: string) => sum(all.map((own) => own[kind] ?? 0));
  return {
    'rollout/faults': sum(kinds.map(of)),
    ...Object.fromEntries(kinds.map((kind) => [`rollout/faults/${kind}`, of(kind)])),
  };
}

/** Seconds that the parts of a step took; they go into a profile too, where there is one. */
export class Stopwatch {
  readonly seconds: Record<string, number> = {};
  readonly #profile: Profile | undefined;

  constructor(profile?: Profile) {
    this.#profile = profile;
  }

  /** Counts the time that a body takes; where it gives a promise, until that is settled. */
  measure<T>(part: string, body: () => T): T {
    const start = performance.now();
    const result = body();
    if (result instanceof Promise) return result.finally(() => this.record(part, start)) as T;
    this.record(part, start);
    return result;
  }

  /** Counts the time since `start`, in `performance.now()`'s milliseconds. */
  record(part: string, start: number): void {
    const duration = performance.now() - start;
    this.seconds[part] = (this.seconds[part] ?? 0) + duration / 1000;
    this.#profile?.add({ name: part, kind: 'phase', start, duration });
  }

  /** As `time/<part>_s`. */
  metrics(parts: readonly string[]): Metrics {
    return Object.fromEntries(parts.map((part) => [`time/${part}_s`, this.seconds[part] ?? 0]));
  }
}

/** A line of `metrics.jsonl`. */
export function metricsLine(args: {
  step: number;
  epoch: number;
  result: Metrics;
  rate: number;
  totals: { num_tokens: number };
  clock: Stopwatch;
  /** Rewards ask the policy, which takes a part of their time. */
  asksPolicy: boolean;
}): Metrics {
  const { step, epoch, result, rate, totals, clock, asksPolicy } = args;
  return {
    step,
    epoch,
    ...result,
    learning_rate: rate,
    num_tokens: totals.num_tokens,
    ...clock.metrics([
      'video',
      'rollout',
      'reward',
      ...(asksPolicy ? ['ask'] : []),
      'reference',
      'policy',
      'optimizer',
      'step',
    ]),
    'memory/rss_bytes': process.memoryUsage.rss(),
    'memory/peak_rss_bytes': process.resourceUsage().maxRSS * 1024,
    'memory/tensors': activeBackend().liveTensors(),
  };
}

/** What people look at while it runs. */
export function shownMetrics(metrics: Metrics): Record<string, number> {
  const names = ['loss', 'reward', 'kl', 'grad_norm', 'completions/mean_length'];
  const found = names.flatMap((name) => (metrics[name] === undefined ? [] : [[name, metrics[name]]]));
  return Object.fromEntries(found) as Record<string, number>;
}
