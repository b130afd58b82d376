import type { Sampling } from '../rollout/completion.js';
import type { Uniform } from '../rollout/engine.js';
import type { Trial } from './trials.js';

/** What one asking of a model came to. */
export interface RawAnswer {
  text: string;
  /** Of the completion; undefined where the model does not say. */
  tokens?: number;
}

/** A model under test. */
export interface Answerer<P = unknown> {
  /** Answers of a batch depend a little on its other questions, by rounding: it is asked as a whole, or not at all. */
  readonly isBatched: boolean;
  /**
   * What is shown and asked.
   *
   * @returns null where nothing is left to be shown
   * @throws SampleError where the sample cannot be used
   */
  prepare(question: Pick<Trial, 'asked' | 'style' | 'change'>): Promise<P | null>;
  /** How long a prepared question is: those of a batch should be alike. */
  length(prepared: P): number;
  /**
   * Answers several questions at once, `numGenerations` times each.
   *
   * @returns `[B][G]`; null: the model gave none, for a reason that was told to `failed`
   */
  answer(request: {
    prepared: P[];
    numGenerations: number;
    sampling: Sampling;
    uniform: Uniform;
    failed: (reason: string) => void;
  }): Promise<(RawAnswer | null)[][]>;
}
