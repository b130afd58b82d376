import { dataOrder } from '../dataset/order.js';
import type { Sample } from '../dataset/sample.js';
import { anyOf, gatherJson } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import type { Prompt } from '../prompt/prompt.js';
import type { PreparePrompt } from '../prompt/sample-prompt.js';
import { type LeftOutSamples, leftOutReasons, UsableSamples } from '../prompt/usable-samples.js';
import { RunError } from '../system/errors.js';

/** A sample that is ready to be trained on. */
export interface PromptedSample {
  sample: Sample;
  prompt: Prompt;
  /** How often the sample stands in the step before this: where epochs meet, or the data is small, it comes again. */
  occurrence: number;
}

/**
 * The training samples in their seeded order, without end. `position` is all that a checkpoint has to keep, and the same in
 * all processes of the run: each prepares its share of a step, and hears which of the others' samples cannot be used. Such
 * a sample is reported once, counted, and passed over.
 */
export class DataStream {
  /** Samples taken from the order so far, those included that cannot be used. */
  position: number;
  epoch = 0;
  readonly #samples: Sample[];
  readonly #order: ReturnType<typeof dataOrder>;
  readonly #usable: UsableSamples<Prompt>;
  readonly #group: ProcessGroup;
  /** Prompts by position, some prepared ahead while the device computes. Null: the sample cannot be used. */
  readonly #pending = new Map<number, Promise<Prompt | null>>();

  constructor(args: {
    samples: Sample[];
    seed: number;
    position: number;
    prepare: PreparePrompt;
    group: ProcessGroup;
    log: (message: string) => void;
  }) {
    this.#samples = args.samples;
    this.#order = dataOrder({ seed: args.seed, count: args.samples.length });
    this.#usable = new UsableSamples(args);
    this.#group = args.group;
    this.position = args.position;
  }

  /** Back to a position where it stood before, or on to one that a checkpoint has kept. */
  goTo(position: number): void {
    this.position = position;
    this.epoch = position === 0 ? 0 : this.#order(position - 1).epoch;
  }

  /** What was left out so far. */
  leftOut(): LeftOutSamples[] {
    return this.#usable.leftOut();
  }

  /**
   * The share of this process in the next step.
   *
   * @param count samples of the whole step; the processes take equal shares
   * @throws RunError `DATA_NOTHING_READABLE` when no sample at all can be used
   */
  async next(count: number): Promise<PromptedSample[]> {
    const { rank, size } = this.#group;
    const isOwn = (place: number) => Math.floor((place * size) / count) === rank;
    const places = Array<number>(count);
    /** The places of the step that have no sample yet. */
    let open = [...places.keys()];
    while (open.length > 0) {
      for (const [i, place] of open.entries()) places[place] = this.position + i;
      for (const place of open.filter(isOwn)) this.#begin(places[place]!);
      for (const place of places.keys()) if (isOwn(place)) this.#begin(this.position + open.length + place);
      const isOut = await this.#findUnusable(open.map(isOwn));
      this.position += open.length;
      open = open.filter((_, i) => isOut[i]);
    }
    this.epoch = this.#order(this.position - 1).epoch;
    const shown = await this.#share(places, isOwn);
    for (const position of this.#pending.keys()) if (position < this.position) this.#pending.delete(position);
    return shown;
  }

  /** Which of the next samples cannot be used. @param own those that this process is to show; others tell of theirs */
  async #findUnusable(own: boolean[]): Promise<boolean[]> {
    const next = own.map((_, i) => this.#sampleAt(this.position + i));
    const found = next.map(() => null as string | null);
    for (const [i, isOwn] of own.entries()) {
      const isUnusable = isOwn && (await this.#pending.get(this.position + i)!) === null;
      if (isUnusable) found[i] = this.#usable.reasonOf(next[i]!)!;
    }
    const told = await gatherJson(this.#group, found);
    const isOut = next.map((sample, i) => {
      const reason = told.map((reasons) => reasons[i]!).find((text) => text !== null);
      if (reason !== undefined) this.#usable.leaveOut(sample, reason);
      return reason !== undefined;
    });
    const isNothingLeft = isOut.includes(true) && this.#samples.every((sample) => this.#usable.isLeftOut(sample));
    if (await anyOf(this.#group, isNothingLeft))
      throw nothingUsable({ samples: this.#samples, leftOut: this.leftOut() });
    return isOut;
  }

  /** What stands in the own places, in the order of the data. @param places the position of each */
  async #share(places: number[], isOwn: (place: number) => boolean): Promise<PromptedSample[]> {
    const own = new Set(places.filter((_, place) => isOwn(place)));
    const seen = new Map<Sample, number>();
    const shown: PromptedSample[] = [];
    for (const position of places.toSorted((a, b) => a - b)) {
      const sample = this.#sampleAt(position);
      const occurrence = seen.get(sample) ?? 0;
      seen.set(sample, occurrence + 1);
      if (own.has(position)) shown.push({ sample, prompt: (await this.#pending.get(position)!)!, occurrence });
    }
    return shown;
  }

  #sampleAt(position: number): Sample {
    return this.#samples[this.#order(position).index]!;
  }

  #begin(position: number): void {
    if (this.#pending.has(position)) return;
    const prompt = this.#usable.prepare(this.#sampleAt(position));
    // Where it fails altogether, it does so when it is waited for.
    prompt.catch(() => {});
    this.#pending.set(position, prompt);
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
