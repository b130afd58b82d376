import { z } from 'zod';
import type { Config } from '../config/schema.js';
import type { Sample } from './sample.js';

type CurriculumOptions = NonNullable<Config['data']['curriculum']>;

/** By sample id: how well its last group did, and in which epoch that was. */
const successesSchema = z.record(z.string(), z.object({ success: z.number(), epoch: z.int() }));

export const curriculumSchema = z.object({
  successes: successesSchema,
  /** The order of an epoch goes by what was known at its start. */
  start: z.object({ epoch: z.int(), successes: z.record(z.string(), z.number()) }),
});
export type CurriculumState = z.infer<typeof curriculumSchema>;

/** What counts for a sample that was never asked, in an order by success. */
const UNKNOWN = 0.5;

/**
 * Chooses samples by how well the policy's own groups did on them: those that it always gets right, or never, are passed
 * over for some epochs, since they teach nothing; the others may come in the order of their difficulty.
 */
export class Curriculum {
  readonly #options: CurriculumOptions;
  #state: CurriculumState;

  constructor({ options, state }: { options: CurriculumOptions; state?: CurriculumState }) {
    this.#options = options;
    this.#state = state ?? { successes: {}, start: { epoch: 0, successes: {} } };
  }

  get state(): CurriculumState {
    return this.#state;
  }

  /** Whether samples of an epoch can be told before it has begun. */
  get isOrdered(): boolean {
    return this.#options.order !== 'shuffled';
  }

  /** Whether a sample is passed over in an epoch. */
  drops({ id }: Sample, epoch: number): boolean {
    const { min_success, max_success, again_after } = this.#options;
    const last = this.#state.successes[id];
    if (last === undefined || epoch - last.epoch >= again_after) return false;
    return last.success < min_success || last.success > max_success;
  }

  /** Called when an epoch is begun: from now on its order is fixed. */
  begin(epoch: number): void {
    if (epoch <= this.#state.start.epoch) return;
    const known = Object.entries(this.#state.successes).map(([id, { success }]) => [id, success]);
    this.#state = { ...this.#state, start: { epoch, successes: Object.fromEntries(known) } };
  }

  /** The samples of the epoch that has begun, in another order than their shuffled one. */
  ordered(ids: readonly string[]): number[] {
    const { successes } = this.#state.start;
    const sign = this.#options.order === 'easy_first' ? -1 : 1;
    const of = (i: number) => successes[ids[i]!] ?? UNKNOWN;
    return [...ids.keys()].sort((a, b) => sign * (of(a) - of(b)));
  }

  observe({ id, success, epoch }: { id: string; success: number; epoch: number }): void {
    this.#state.successes[id] = { success, epoch };
  }
}
