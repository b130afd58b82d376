import { dataOrder } from '../dataset/order.js';
import type { Sample } from '../dataset/sample.js';
import type { Prompt } from '../prompt/prompt.js';
import type { PreparePrompt } from '../prompt/sample-prompt.js';
import { type LeftOutSamples, leftOutReasons, UsableSamples } from '../prompt/usable-samples.js';
import { RunError } from '../system/errors.js';

/** A sample that is ready to be trained on. */
export interface PromptedSample {
  sample: Sample;
  prompt: Prompt;
}

interface Entry {
  epoch: number;
  sample: Sample;
  /** Null: the sample cannot be used. */
  prompt: Promise<Prompt | null>;
}

/** Samples that are prepared ahead, while the device computes. */
const AHEAD = 1;

/**
 * The training samples in their seeded order, without end. `position` is all that a checkpoint has to keep. A sample
 * that cannot be used is reported once, counted, and passed over.
 */
export class DataStream {
  /** Samples taken from the order so far, those included that cannot be used. */
  position: number;
  epoch = 0;
  readonly #samples: Sample[];
  readonly #order: ReturnType<typeof dataOrder>;
  readonly #usable: UsableSamples<Prompt>;
  readonly #pending = new Map<number, Entry>();

  constructor(args: {
    samples: Sample[];
    seed: number;
    position: number;
    prepare: PreparePrompt;
    log: (message: string) => void;
  }) {
    this.#samples = args.samples;
    this.#order = dataOrder({ seed: args.seed, count: args.samples.length });
    this.#usable = new UsableSamples(args);
    this.position = args.position;
  }

  /** What was left out so far. */
  leftOut(): LeftOutSamples[] {
    return this.#usable.leftOut();
  }

  /** @throws RunError `DATA_NOTHING_READABLE` when no sample at all can be used */
  async next(count: number): Promise<PromptedSample[]> {
    const taken: PromptedSample[] = [];
    while (taken.length < count) {
      for (let i = 0; i < count * (1 + AHEAD); i++) this.#begin(this.position + i);
      const { epoch, sample, prompt: pending } = this.#pending.get(this.position)!;
      const prompt = await pending;
      this.#pending.delete(this.position);
      this.position += 1;
      this.epoch = epoch;
      if (prompt !== null) taken.push({ sample, prompt });
      else if (this.#samples.every((sample) => this.#usable.isLeftOut(sample)))
        throw nothingUsable({ samples: this.#samples, leftOut: this.leftOut() });
    }
    return taken;
  }

  #begin(position: number): void {
    if (this.#pending.has(position)) return;
    const { index, epoch } = this.#order(position);
    const sample = this.#samples[index]!;
    const prompt = this.#usable.prepare(sample);
    // Where it fails altogether, it does so when it is waited for.
    prompt.catch(() => {});
    this.#pending.set(position, { epoch, sample, prompt });
  }
}

/** What to throw where nothing is left to train on. */
export function nothingUsable({
  samples,
  leftOut,
}: {
  samples: readonly Sample[];
  leftOut: readonly LeftOutSamples[];
}): RunError {
  const message = `not one of the ${samples.length} training samples can be used (${leftOutReasons(leftOut)}); see the warnings above`;
  return new RunError({ code: 'DATA_NOTHING_READABLE', message });
}
