import { termName } from '../config/rewards.js';
import type { Config } from '../config/schema.js';
import { mean, sum } from '../statistics/moments.js';
import type { Metrics } from './metrics.js';

/** Something that a run's numbers say, and what can be done about it. */
export interface Advice {
  /** What is told once. */
  id: string;
  /** `note`: as it should be, and worth knowing; `speed`: told of healthy runs only. */
  kind: 'health' | 'note' | 'speed';
  /** With the number. */
  finding: string;
  cause: string;
  /** What to set. */
  remedy: string;
  /** The step that it is about, if it is about one. */
  step?: number;
}

/** What advice is made of: lines of `metrics.jsonl` and `evaluations.jsonl`, in their order. */
export interface RunSoFar {
  config: Pick<Config, 'method' | 'rewards' | 'rollout' | 'grpo' | 'training' | 'model' | 'data'>;
  metrics: readonly Metrics[];
  evaluations: readonly Record<string, unknown>[];
  /** Bytes that this process may use; left out: not known. */
  memory?: number;
}

/** Steps at the end that a number is the mean of, and at the beginning that it is compared with. */
const WINDOW = 20;

type Rule = (run: Windows) => Advice[];

interface Windows extends RunSoFar {
  /** Means over the last steps, and over the first ones; NaN where the number is not there. */
  now: (name: string) => number;
  first: (name: string) => number;
  values: (name: string) => number[];
}

/** Advice about a run: what is wrong, most pressing first; what would be quicker, if nothing is. */
export function advise(run: RunSoFar): Advice[] {
  // The first steps of any run look like anything.
  if (run.metrics.length < 2 * WINDOW) return [];
  const values = (name: string) => run.metrics.flatMap((line) => line[name] ?? []);
  const windows: Windows = {
    ...run,
    values,
    now: (name) => mean(run.metrics.slice(-WINDOW).flatMap((line) => line[name] ?? [])),
    first: (name) => mean(run.metrics.slice(0, WINDOW).flatMap((line) => line[name] ?? [])),
  };
  const found = HEALTH.flatMap((rule) => rule(windows));
  const isHealthy = found.every(({ kind }) => kind === 'note');
  return isHealthy ? [...SPEED.flatMap((rule) => rule(windows)), ...found] : found;
}

const health = (id: string, finding: string, cause: string, remedy: string): Advice[] => [
  { id, kind: 'health', finding, cause, remedy },
];

const HEALTH: Rule[] = [
  runawayKl,
  heldOutFalls,
  garbled,
  truncation,
  lengths,
  entropy,
  deadGroups,
  idleTerms,
  dominantTerm,
  falseAlarms,
  otherSampler,
];
const SPEED: Rule[] = [slowVideos, roomInMemory];

/** Nats a token. */
const [KL_JUMP, KL_FAR] = [1, 2];

/** In one step, or for good. */
function runawayKl({ metrics, now, config }: Windows): Advice[] {
  const remedy = `a lower training.learning_rate (now ${config.training.learning_rate}), a lower training.max_grad_norm, or a higher grpo.beta (now ${config.grpo.beta})`;
  if (now('kl') > KL_FAR)
    return health(
      'kl',
      `KL to the reference is ${digits(now('kl'))} nats a token (mean of the last ${WINDOW} steps)`,
      'the policy has left the reference far behind; what it says may look like words only to the rewards',
      remedy,
    );
  const jumps = metrics.flatMap((line, i) => {
    const kl = line.kl ?? 0;
    const before = median(metrics.slice(Math.max(0, i - WINDOW), i).flatMap((one) => one.kl ?? []));
    return i >= WINDOW && kl > KL_JUMP && kl > 20 * before ? [{ step: line.step ?? i + 1, kl, before }] : [];
  });
  const worst = jumps.toSorted((a, b) => b.kl - a.kl)[0];
  if (worst === undefined) return [];
  const times = jumps.length === 1 ? '' : `, the farthest of ${jumps.length} such jumps`;
  const [found] = health(
    'kl-jump',
    `KL went from ${digits(worst.before)} to ${digits(worst.kl)} nats a token in step ${worst.step}${times}; it is ${digits(now('kl'))} now`,
    'one update was too large; the run may recover, and that step is worth a look',
    remedy,
  );
  return [{ ...found!, step: worst.step }];
}

/** Held-out reward below its best by more than this, of its range so far. */
const FALLS = 0.05;

function heldOutFalls({ evaluations, now, values }: Windows): Advice[] {
  const rewards = evaluations.flatMap(({ step, reward }) =>
    typeof step === 'number' && typeof reward === 'number' ? [{ step, reward }] : [],
  );
  const last = rewards.at(-1);
  const best = rewards.reduce<(typeof rewards)[number] | undefined>(
    (top, one) => (top !== undefined && top.reward >= one.reward ? top : one),
    undefined,
  );
  if (last === undefined || best === undefined || rewards.length < 3 || best.step === last.step) return [];
  const half = mean(values('reward').slice(0, Math.floor(values('reward').length / 2)));
  if (last.reward > best.reward - FALLS * Math.abs(best.reward) || !(now('reward') > half)) return [];
  return health(
    'held-out',
    `the held-out reward fell from ${digits(best.reward)} (step ${best.step}) to ${digits(last.reward)}, while the training reward rose to ${digits(now('reward'))}`,
    'the policy learns its training samples, or a way to please the rewards',
    `take the checkpoint of step ${best.step} (training.eval_steps keeps the best), more data, or a higher grpo.beta`,
  );
}

function garbled({ now }: Windows): Advice[] {
  const share = now('completions/garbled');
  if (!(share > 0.1)) return [];
  return health(
    'garbled',
    `${percent(share)} of the completions are garbled: characters that cannot be, or the same words over and over`,
    'the policy has lost the language, most often by too large updates or a temperature that is too high',
    'an earlier checkpoint with a lower training.learning_rate; a lower rollout.temperature; a higher grpo.beta; the reward repetition',
  );
}

function truncation({ now, config }: Windows): Advice[] {
  const share = now('completions/truncated');
  if (!(share > 0.2)) return [];
  return health(
    'truncation',
    `${percent(share)} of the completions are cut off at ${config.rollout.max_completion_length} tokens`,
    'thoughts are longer than the limit, and a cut answer has no reward',
    'a higher rollout.max_completion_length; the reward soft_overlong; grpo.mask_truncated_completions',
  );
}

function lengths({ now, first }: Windows): Advice[] {
  const [before, after] = [first('completions/mean_length'), now('completions/mean_length')];
  if (after < before / 2)
    return health(
      'length-collapse',
      `completions went from ${digits(before)} to ${digits(after)} tokens`,
      'nothing rewards a thought, or length is punished by the way the loss is averaged',
      'grpo.loss_type: dr_grpo or dapo; the reward length with a min_length; data.prompt: think',
    );
  if (after > 2 * before && after - before > 16)
    return health(
      'length-growth',
      `completions went from ${digits(before)} to ${digits(after)} tokens`,
      'long wrong answers are punished less a token where the loss is averaged over each completion',
      'grpo.loss_type: dr_grpo or dapo; the reward soft_overlong or length with a max_length',
    );
  return [];
}

function entropy({ now, first }: Windows): Advice[] {
  const [before, after] = [first('entropy'), now('entropy')];
  // A policy that is right may be certain.
  if (!(after < before / 10) || !(now('groups/zero_variance') > 0.5) || rewardShare({ now }) > 0.95) return [];
  return health(
    'entropy',
    `entropy fell from ${digits(before)} to ${digits(after)} nats a token, while not all is right`,
    'the policy is certain of what it says, and does not explore any more',
    'a higher rollout.temperature; grpo.epsilon_high above grpo.epsilon; a lower training.learning_rate; a higher grpo.beta',
  );
}

/** Of right answers, as far as they are measured. */
const rewardShare = ({ now }: Pick<Windows, 'now'>): number => now('rewards/accuracy/mean');

function deadGroups({ now, config, values }: Windows): Advice[] {
  const dead = now('groups/zero_variance');
  if (!(dead > 0.8)) return [];
  const still = learned(config).filter((name) => (values(`rewards/${name}/std`).at(-1) ?? 0) === 0);
  const which = still.length === 0 ? '' : `; without any spread: ${still.join(', ')}`;
  const isRight = rewardShare({ now }) > 0.9;
  const [found] = health(
    'dead-groups',
    `in ${percent(dead)} of the groups all completions have the same reward${which}`,
    isRight
      ? 'nearly all is right: there is little left to learn here'
      : 'the questions are too hard, or the policy always says the same',
    isRight
      ? 'end the run, take harder data, or grpo.dynamic_sampling, which leaves such groups out'
      : 'more rollout.num_generations; a higher rollout.temperature; data.curriculum; grpo.guide_all_wrong; SFT first',
  );
  return [{ ...found!, kind: isRight ? 'note' : 'health' }];
}

const learned = ({ rewards }: RunSoFar['config']): string[] =>
  rewards.filter(({ weight }) => weight !== 0).map(termName);

function idleTerms({ config, values, metrics }: Windows): Advice[] {
  return learned(config).flatMap((name) => {
    const stds = values(`rewards/${name}/std`);
    if (stds.length < metrics.length / 2 || stds.some((std) => std > 0)) return [];
    const value = values(`rewards/${name}/mean`).at(-1) ?? 0;
    const [found] = health(
      `idle-${name}`,
      `${name} has been ${digits(value)} for every completion of ${stds.length} steps`,
      value > 0 ? 'it is always earned: it teaches nothing any more' : 'it is never earned: it teaches nothing yet',
      value > 0
        ? `nothing, or rewards.${name}.weight: 0, which still measures it`
        : 'look into the groups for why; SFT teaches a form that is never found by chance',
    );
    return [{ ...found!, kind: value > 0 ? ('note' as const) : ('health' as const) }];
  });
}

/** Of all deviations, weighted. */
const DOMINANT = 0.9;

function dominantTerm({ config, now }: Windows): Advice[] {
  const parts = config.rewards.flatMap((term) => {
    const deviation = now(`rewards/${termName(term)}/std`);
    const weight = typeof term.weight === 'number' ? Math.abs(term.weight) : 1;
    return deviation > 0 && weight > 0 ? [{ name: termName(term), part: weight * deviation }] : [];
  });
  const all = sum(parts.map(({ part }) => part));
  const top = parts.find(({ part }) => part > DOMINANT * all);
  if (top === undefined || parts.length < 2) return [];
  return health(
    `dominant-${top.name}`,
    `${top.name} makes ${percent(top.part / all)} of the spread of rewards`,
    'its scale or weight is so large that the other terms hardly count in the advantages',
    `a smaller rewards.${top.name}.weight; grpo.multi_objective_aggregation: normalize_then_sum, which normalizes each term by itself`,
  );
}

function falseAlarms({ evaluations }: Windows): Advice[] {
  for (const name of ['tag/false_alarm_rate', 'cls/false_alarm_rate']) {
    const rates = evaluations.flatMap((line) => (typeof line[name] === 'number' ? [line[name]] : []));
    const [first, last] = [rates[0], rates.at(-1)];
    if (first === undefined || last === undefined || !(last > first + 0.05)) continue;
    return health(
      'false-alarms',
      `${name} rose from ${percent(first)} to ${percent(last)} on held-out normal videos`,
      'saying “anomaly” pays more than saying “normal”: there are more anomalies in the data, or a span earns a reward of its own',
      'more normal videos (data.train weights), hard normals, the reward anomaly_verification',
    );
  }
  return [];
}

/** Nats a token. Rounding and a step's staleness stay far below. */
const OTHER_SAMPLER = 0.2;

function otherSampler({ now }: Windows): Advice[] {
  const difference = now('sampling/sampling_logp_difference/mean');
  if (!(difference > OTHER_SAMPLER)) return [];
  return health(
    'other-sampler',
    `the server's log-probs are ${digits(difference)} nats a token from the policy's own (mean of the last ${WINDOW} steps)`,
    'it samples from other weights, or says log-probs before temperature and top_p',
    'vllm serve … --logprobs-mode processed_logprobs; the same model, type and adapter at the server; a smaller rollout.engine.sync_steps',
  );
}

function slowVideos({ now, config }: Windows): Advice[] {
  const [video, step] = [now('time/video_s'), now('time/step_s')];
  if (!(video > step / 2)) return [];
  return [
    {
      id: 'slow-videos',
      kind: 'speed',
      finding: `videos take ${digits(video)} of ${digits(step)} s a step`,
      cause: 'decoding is slower than the step, and frames are not all kept from epoch to epoch',
      remedy: `fewer or smaller frames (data.video.max_frames, now ${config.data.video.max_frames}), shorter clips, more room for the cache of frames`,
    },
  ];
}

function roomInMemory({ values, memory, config }: Windows): Advice[] {
  const peak = Math.max(...values('memory/peak_rss_bytes'));
  const parts = config.training.gradient_accumulation_steps;
  if (memory === undefined || !(peak < memory / 3) || parts === 1) return [];
  return [
    {
      id: 'room',
      kind: 'speed',
      finding: `at most ${digits(peak / 2 ** 30)} of ${digits(memory / 2 ** 30)} GiB were used`,
      cause: `a step is cut into ${parts} micro-batches, each of which could be larger`,
      remedy: `training.gradient_accumulation_steps: ${Math.max(1, Math.floor(parts / 2))}`,
    },
  ];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const digits = (value: number): string => String(Number(value.toPrecision(3)));
const percent = (share: number): string => `${Math.round(100 * share)} %`;
