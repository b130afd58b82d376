import type { Rollout } from '../rollout/engine.js';
import type { PromptedSample } from './data-stream.js';

/** Completions that are being sampled. */
export interface BegunRollout {
  step: number;
  samples: PromptedSample[];
  rollout: Promise<Rollout>;
}

/** Where the data stands. */
interface DataPlace {
  position: number;
  epoch: number;
}

/** The completions of the next step, where a server samples them while this step is learned from (`max_staleness`). */
export class Ahead {
  #next: { begun: BegunRollout; before: DataPlace } | null = null;

  /** Where the data stands for whoever makes the next step from its beginning; null where nothing is ahead. */
  get place(): DataPlace | null {
    return this.#next?.before ?? null;
  }

  /** What is being sampled for the next step, if anything is. */
  get begun(): BegunRollout | null {
    return this.#next?.begun ?? null;
  }

  keep(begun: BegunRollout, before: DataPlace): void {
    this.#next = { begun, before };
  }

  /** What was begun for a step; it is no longer ahead. */
  take(step: number): BegunRollout | null {
    const { begun = null } = this.#next ?? {};
    this.#next = null;
    return begun?.step === step ? begun : null;
  }
}
