import { z } from 'zod';

const bestSchema = z.object({
  step: z.int().positive(),
  /** Mean reward on the held-out samples, or the training reward, smoothed over steps (of SFT, its negative loss). */
  value: z.number(),
  by: z.enum(['held-out', 'training']),
});
export type Best = z.infer<typeof bestSchema>;

export const bestStateSchema = z.object({
  best: bestSchema.nullable(),
  /** The step of a checkpoint that is judged at the next save. */
  pending: z.int().positive().nullable(),
});
type BestState = z.infer<typeof bestStateSchema>;

/**
 * Which checkpoint of a run is the best: by its held-out result, where there are evaluations while training, else by the
 * training reward. That of a step is of the weights before its update, so that a checkpoint is judged by the steps after
 * it: at the next save, by the smoothed reward of then. Between equals the earlier one.
 */
export class BestCheckpoint {
  #state: BestState;
  /** What is known without the evaluation after the last step: it may be written before or after its checkpoint. */
  #before: { step: number; state: BestState } | null = null;

  constructor(state: BestState = { best: null, pending: null }) {
    this.#state = state;
  }

  get best(): Best | null {
    return this.#state.best;
  }

  /** Steps whose checkpoints have to be kept. */
  get steps(): number[] {
    const { best, pending } = this.#state;
    return [best?.step, pending].filter((step) => typeof step === 'number');
  }

  /** Forgets what is not there any more. @param steps of the checkpoints that are */
  keepOnly(steps: readonly number[]): void {
    const { best, pending } = this.#state;
    this.#state = {
      best: best !== null && steps.includes(best.step) ? best : null,
      pending: pending !== null && steps.includes(pending) ? pending : null,
    };
  }

  /** Before one of the run's regular saves. @param reward smoothed, up to this step; null where none is known */
  saving(step: number, reward: number | null): void {
    if (this.best?.by !== 'held-out') this.#state = { best: this.#judged(reward), pending: step };
  }

  /** After the run's last step: nothing will tell more about the checkpoint that is not judged yet. */
  ending(step: number, reward: number | null): void {
    const { pending } = this.#state;
    if (pending !== null && pending < step) this.#state = { best: this.#judged(reward), pending: null };
  }

  /** The better one of the best and the pending. */
  #judged(reward: number | null): Best | null {
    const { best, pending } = this.#state;
    const isBetter = pending !== null && reward !== null && (best === null || reward > best.value);
    return isBetter ? { step: pending, value: reward, by: 'training' } : best;
  }

  /**
   * After an evaluation.
   *
   * @param reward held out
   * @param isRuined the policy has got worse than it was: it does not take the place of one that was judged by training
   * @returns whether this step's checkpoint is now the best
   */
  evaluated({ step, reward, isRuined }: { step: number; reward: number; isRuined: boolean }): boolean {
    if (this.#before?.step === step) return false;
    const state = this.#state;
    const { best } = state;
    this.#before = { step, state };
    const isBetter = best?.by === 'held-out' ? reward > best.value : !(isRuined && best !== null);
    if (Number.isFinite(reward) && isBetter)
      this.#state = { best: { step, value: reward, by: 'held-out' }, pending: null };
    return this.#state !== state;
  }

  /** For the checkpoint of `step`. */
  stateAt(step: number): BestState {
    return this.#before?.step === step ? this.#before.state : this.#state;
  }
}
