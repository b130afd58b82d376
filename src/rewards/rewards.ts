import type { JudgeOptions } from '../config/judge-options.js';
import { type RewardConfig, termName } from '../config/rewards.js';
import { RunError } from '../system/errors.js';
import { Interrupted } from '../system/interrupted.js';
import { rewardNamed } from './named.js';
import type { PolicyAsker } from './policy-asker.js';
import type { Reward, RewardContext, RewardInput, Scorer, Verdict } from './reward.js';
import { type RewardScores, type TermVerdict, weigh } from './scores.js';

/** Remembers what rewards that are not pure have said of the completions of one prompt. */
export interface VerdictMemory {
  recall(asked: Asked): Verdict | undefined;
  keep(asked: Asked, verdict: Verdict): void;
}

export interface Asked {
  reward: string;
  /** Which completion of the prompt, from 0. */
  generation: number;
  text: string;
}

interface Term {
  name: string;
  weight: number;
  reward: Reward;
  scorer: Scorer;
}

/** The rewards of a config, ready to be asked. */
export class Rewards {
  readonly #terms: readonly Term[];
  readonly #signal: AbortSignal;

  private constructor(terms: readonly Term[], signal: AbortSignal) {
    this.#terms = terms;
    this.#signal = signal;
  }

  /**
   * @param rollout of the config; and its judge
   * @param signal aborted: what takes long is broken off. Left out: nobody will.
   */
  static async open({
    terms,
    rollout,
    judge,
    signal = new AbortController().signal,
    say,
  }: {
    terms: readonly RewardConfig[];
    rollout: Pick<RewardContext, 'max_completion_length' | 'num_generations'>;
    judge?: JudgeOptions;
    signal?: AbortSignal;
    say?: (message: string) => void;
  }): Promise<Rewards> {
    const { max_completion_length, num_generations } = rollout;
    const context = { max_completion_length, num_generations, judge, signal, say };
    const opened: Term[] = [];
    try {
      for (const options of terms) {
        const reward = rewardNamed(options.name);
        const scorer = await reward.open(options, context);
        opened.push({ name: termName(options), weight: options.weight, reward, scorer });
      }
    } catch (error) {
      await closeAll(opened);
      throw error;
    }
    return new Rewards(opened, signal);
  }

  get isPure(): boolean {
    return this.#terms.every(({ scorer }) => scorer.cost === 'pure');
  }

  /** Whether one of them asks somebody else, and has to wait. */
  get asksOthers(): boolean {
    return this.#terms.some(({ scorer }) => scorer.cost === 'remote');
  }

  /** Whether one of them asks the policy. */
  get asksPolicy(): boolean {
    return this.#terms.some(({ scorer }) => scorer.cost === 'policy');
  }

  /** Those that are pure: a guesser of answers is not worth asking others about. */
  get pure(): Rewards {
    const terms = this.#terms.filter(({ scorer }) => scorer.cost === 'pure');
    return terms.length === this.#terms.length ? this : new Rewards(terms, this.#signal);
  }

  /**
   * Scores the completions of one prompt. `[G]`
   *
   * @param memory what is in it is not asked again. Left out: everything is asked.
   * @param policy asks the policy. Left out: rewards that do so say nothing
   * @throws Interrupted when the signal is aborted while somebody is being asked
   * @throws RunError `REWARD_BROKEN` for a reward that gives no verdicts
   */
  async scoreGroup(
    group: readonly RewardInput[],
    { memory, policy }: { memory?: VerdictMemory; policy?: PolicyAsker } = {},
  ): Promise<RewardScores[]> {
    const terms = await Promise.all(this.#terms.map((term) => this.#ask({ term, group, memory, policy })));
    return group.map((_, i) => weigh(terms.map((verdicts) => verdicts[i]!)));
  }

  async close(): Promise<void> {
    await closeAll(this.#terms);
  }

  async #ask(args: {
    term: Term;
    group: readonly RewardInput[];
    memory: VerdictMemory | undefined;
    policy: PolicyAsker | undefined;
  }): Promise<TermVerdict[]> {
    const { term, group, policy } = args;
    const { name, weight, reward, scorer } = term;
    const named = (verdict: Verdict): TermVerdict => ({ name, weight, verdict });
    const isMute = scorer.cost === 'policy' && policy === undefined;
    if (isMute || !reward.appliesTo(group[0]!.sample.task)) return group.map(() => named({ skipped: true }));
    const memory = scorer.cost === 'pure' ? undefined : args.memory;
    const asked = group.map(({ text }, generation): Asked => ({ reward: name, generation, text }));
    const recalled = asked.flatMap((one) => memory?.recall(one) ?? []);
    // A reward may compare the completions of a group: it is asked about all of them or none.
    if (recalled.length === group.length) return recalled.map(named);
    const verdicts = await scorer.scoreGroup(group, policy ?? nobody).catch((error) => {
      throw this.#signal.aborted ? new Interrupted() : error;
    });
    check({ name, verdicts, count: group.length });
    for (const [i, one] of asked.entries()) memory?.keep(one, verdicts[i]!);
    return verdicts.map(named);
  }
}

/** Given to those who have no use for it. */
const nobody: PolicyAsker = async (questions) => questions.map(() => null);

async function closeAll(terms: readonly Term[]): Promise<void> {
  for (const { scorer } of terms) await scorer.close();
}

/** A reward that does not keep to the rules would go into the loss in silence. */
function check({ name, verdicts, count }: { name: string; verdicts: readonly Verdict[]; count: number }): void {
  const isVerdict = (one: Verdict) =>
    'score' in one ? Number.isFinite(one.score) : 'skipped' in one || 'failed' in one;
  const odd = verdicts.find((one) => !isVerdict(one));
  if (verdicts.length === count && odd === undefined) return;
  const problem = odd === undefined ? `${verdicts.length} verdicts on ${count} completions` : JSON.stringify(odd);
  throw new RunError({
    code: 'REWARD_BROKEN',
    message: `the reward ${name} gave ${problem}; its code has to be mended`,
  });
}
