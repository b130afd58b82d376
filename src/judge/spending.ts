import type { JudgeOptions } from '../config/judge-options.js';
import type { Usage } from './reply-cache.js';

/** What a run of a judge has come to. */
export interface Bill {
  /** Questions that were put to the server, and replies that were there already. */
  calls: number;
  cached: number;
  input_tokens: number;
  output_tokens: number;
  /** US dollars; null where no prices are known. */
  cost: number | null;
  /** Tries that came to nothing, by kind. */
  faults: Record<string, number>;
  /** Questions that have no reply. */
  failed: number;
}

/** Counts what is spent, and says whether a question may still be asked: the bound holds, whatever is under way. */
export class Spending {
  readonly #options: Pick<JudgeOptions, 'input_price' | 'output_price' | 'budget' | 'max_tokens'>;
  #spent = 0;
  #reserved = 0;
  readonly #bill = { calls: 0, cached: 0, input_tokens: 0, output_tokens: 0, failed: 0 };
  readonly #faults = new Map<string, number>();

  constructor(options: Pick<JudgeOptions, 'input_price' | 'output_price' | 'budget' | 'max_tokens'>) {
    this.#options = options;
  }

  /**
   * Sets aside what a try could cost.
   *
   * @param characters of the question; a token has at least about two
   * @returns undefined where that is more than is left; else what is to be called with what the try has really used,
   *   `kept` where it was not made, the reply being there, or null where that is not known and nothing may be owed
   */
  reserve(characters: number): ((used: Usage | 'kept' | null) => void) | undefined {
    const { budget, max_tokens } = this.#options;
    const most = this.#costOf({ input: Math.ceil(characters / 2), output: max_tokens });
    if (budget !== undefined && this.#spent + this.#reserved + most > budget) return undefined;
    this.#reserved += most;
    this.#bill.calls += 1;
    return (used) => {
      this.#reserved -= most;
      if (used === 'kept') {
        this.#bill.calls -= 1;
        this.#bill.cached += 1;
      }
      if (used === null || used === 'kept') return;
      this.#spent += this.#costOf(used);
      this.#bill.input_tokens += used.input;
      this.#bill.output_tokens += used.output;
    };
  }

  countCached(): void {
    this.#bill.cached += 1;
  }

  countFault(kind: string): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
  }

  countFailed(): void {
    this.#bill.failed += 1;
  }

  bill(): Bill {
    const { input_price, output_price } = this.#options;
    const isPriced = input_price !== undefined || output_price !== undefined;
    const faults = Object.fromEntries([...this.#faults].sort(([a], [b]) => (a < b ? -1 : 1)));
    return { ...this.#bill, cost: isPriced ? this.#spent : null, faults };
  }

  #costOf({ input, output }: Usage): number {
    const { input_price = 0, output_price = 0 } = this.#options;
    return (input * input_price + output * output_price) / 1e6;
  }
}
