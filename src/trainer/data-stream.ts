import { dataOrder } from '../dataset/order.js';
import type { Sample } from '../dataset/sample.js';
import { RunError, VideoError } from '../errors.js';
import type { Prompt } from '../prompt/prompt.js';
import type { PreparePrompt } from '../prompt/sample-prompt.js';

/** A sample that is ready to be trained on. */
export interface PromptedSample {
  sample: Sample;
  prompt: Prompt;
}

interface Entry {
  epoch: number;
  sample: Sample;
  /** Null: the video cannot be read. */
  prompt: Promise<Prompt | null>;
}

/** Samples that are prepared ahead, while the device computes. */
const AHEAD = 1;

/**
 * The training samples in their seeded order, without end. `position` is all that a checkpoint has to keep. A sample
 * whose video cannot be read is reported once, counted, and passed over.
 */
export class DataStream {
  /** Samples taken from the order so far, unreadable ones included. */
  position: number;
  epoch = 0;
  readonly #samples: Sample[];
  readonly #order: ReturnType<typeof dataOrder>;
  readonly #prepare: PreparePrompt;
  readonly #log: (message: string) => void;
  readonly #unreadable = new Set<string>();
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
    this.#prepare = args.prepare;
    this.#log = args.log;
    this.position = args.position;
  }

  /** Videos met so far that cannot be read. */
  get unreadable(): number {
    return this.#unreadable.size;
  }

  /** @throws RunError `DATA_NOTHING_READABLE` when no video at all can be read */
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
      else if (this.#nothingReadable()) {
        const message = `no video of the ${this.#samples.length} training samples can be read; see the warnings above`;
        throw new RunError({ code: 'DATA_NOTHING_READABLE', message });
      }
    }
    return taken;
  }

  #nothingReadable(): boolean {
    return this.#samples.every(({ video }) => this.#unreadable.has(video));
  }

  #begin(position: number): void {
    if (this.#pending.has(position)) return;
    const { index, epoch } = this.#order(position);
    const sample = this.#samples[index]!;
    const prompt = this.#tryPrepare(sample);
    // Where it fails altogether, it does so when it is waited for.
    prompt.catch(() => {});
    this.#pending.set(position, { epoch, sample, prompt });
  }

  async #tryPrepare(sample: Sample): Promise<Prompt | null> {
    if (this.#unreadable.has(sample.video)) return null;
    try {
      return await this.#prepare(sample);
    } catch (error) {
      if (!(error instanceof VideoError)) throw error;
      if (!this.#unreadable.has(sample.video)) this.#log(`left out: ${error.message}`);
      this.#unreadable.add(sample.video);
      return null;
    }
  }
}
