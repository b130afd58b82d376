import type { Curriculum } from '../dataset/curriculum.js';
import type { OrderEntry } from '../dataset/order.js';
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

/** What a step wants of the data. */
interface Wanted {
  /** Samples of the whole step; the processes take equal shares. */
  count: number;
  /** The places of the step that samples are for. Left out: all. */
  wanted?: readonly number[];
  /** How often samples stand in the step already; those that are drawn are added. */
  seen?: Map<string, number>;
}

/**
 * The training samples in their seeded order, without end. `position` (with what a curriculum knows) is all that a
 * checkpoint has to keep, and the same in all processes of the run: each prepares its share of a step, and hears which of
 * the others' samples cannot be used. Such a sample is reported once, counted, and passed over.
 */
export class DataStream {
  /** Samples taken from the order so far, those included that cannot be used. */
  position: number;
  epoch = 0;
  readonly curriculum: Curriculum | null;
  readonly #samples: Sample[];
  readonly #order: (position: number) => OrderEntry;
  readonly #vary: (sample: Sample, epoch: number) => Sample;
  readonly #usable: UsableSamples<Prompt>;
  readonly #group: ProcessGroup;
  readonly #log: (message: string) => void;
  /** Prompts by position, some prepared ahead while the device computes. Null: the sample cannot be used. */
  readonly #pending = new Map<number, Promise<Prompt | null>>();
  /** The samples of the epoch that a curriculum has ordered. */
  #ordered: { epoch: number; indices: number[] } | null = null;

  /** @param vary what a sample is in an epoch. Left out: always the same */
  constructor(args: {
    samples: Sample[];
    order: (position: number) => OrderEntry;
    vary?: (sample: Sample, epoch: number) => Sample;
    curriculum?: Curriculum;
    position: number;
    prepare: PreparePrompt;
    group: ProcessGroup;
    log: (message: string) => void;
  }) {
    this.#samples = args.samples;
    this.#order = args.order;
    this.#vary = args.vary ?? ((sample) => sample);
    this.curriculum = args.curriculum ?? null;
    this.#usable = new UsableSamples(args);
    this.#group = args.group;
    this.#log = args.log;
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
   * @throws RunError `DATA_NOTHING_READABLE` when no sample at all can be used
   */
  async next({ count, wanted = [...Array(count).keys()], seen = new Map() }: Wanted): Promise<PromptedSample[]> {
    const { rank, size } = this.#group;
    const isOwn = (place: number) => Math.floor((place * size) / count) === rank;
    /** By place of the step, the position in the order. */
    const places = new Map<number, number>();
    /** The places that have no sample yet. */
    let open = [...wanted];
    while (open.length > 0) {
      const positions = this.#nextPositions(open.length);
      for (const [i, place] of open.entries()) places.set(place, positions[i]!);
      for (const place of open.filter(isOwn)) this.#begin(places.get(place)!);
      for (let place = 0; place < count; place++) if (isOwn(place)) this.#beginAhead(positions.at(-1)! + 1 + place);
      const isOut = await this.#findUnusable(positions, open.map(isOwn));
      this.position = positions.at(-1)! + 1;
      open = open.filter((_, i) => isOut[i]);
    }
    this.epoch = this.#order(this.position - 1).epoch;
    const shown = await this.#share({ places, isOwn, seen });
    for (const position of this.#pending.keys()) if (position < this.position) this.#pending.delete(position);
    return shown;
  }

  /** The next positions whose samples are wanted: where a curriculum wants none of them, all are. */
  #nextPositions(count: number): number[] {
    const positions: number[] = [];
    let passedOver = 0;
    for (let position = this.position; positions.length < count; position++) {
      const { epoch } = this.#order(position);
      this.curriculum?.begin(epoch);
      const isWanted = !this.curriculum?.drops(this.#plainSampleAt(position), epoch);
      if (isWanted || passedOver >= this.#samples.length) positions.push(position);
      else passedOver += 1;
    }
    if (passedOver >= this.#samples.length)
      this.#log('data.curriculum passes over every sample: all are drawn until some are wanted again');
    return positions;
  }

  /** Which of the samples cannot be used. @param own those that this process is to show; others tell of theirs */
  async #findUnusable(positions: number[], own: boolean[]): Promise<boolean[]> {
    const next = positions.map((position) => this.#plainSampleAt(position));
    const found = next.map(() => null as string | null);
    for (const [i, isOwn] of own.entries()) {
      const isUnusable = isOwn && (await this.#pending.get(positions[i]!)!) === null;
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
  async #share(args: {
    places: ReadonlyMap<number, number>;
    isOwn: (place: number) => boolean;
    seen: Map<string, number>;
  }): Promise<PromptedSample[]> {
    const { places, isOwn, seen } = args;
    const own = new Set([...places].flatMap(([place, position]) => (isOwn(place) ? [position] : [])));
    const shown: PromptedSample[] = [];
    for (const position of [...places.values()].sort((a, b) => a - b)) {
      const sample = this.#sampleAt(position);
      const occurrence = seen.get(sample.id) ?? 0;
      seen.set(sample.id, occurrence + 1);
      if (own.has(position)) shown.push({ sample, prompt: (await this.#pending.get(position)!)!, occurrence });
    }
    return shown;
  }

  #sampleAt(position: number): Sample {
    return this.#vary(this.#plainSampleAt(position), this.#order(position).epoch);
  }

  #plainSampleAt(position: number): Sample {
    const { index, epoch } = this.#order(position);
    if (!this.curriculum?.isOrdered || epoch === 0) return this.#samples[index]!;
    if (this.#ordered?.epoch !== epoch) this.#ordered = { epoch, indices: this.#orderOf(epoch) };
    return this.#samples[this.#ordered.indices[position - epoch * this.#samples.length]!]!;
  }

  /** The samples of an epoch, as the curriculum wants them: equals in their shuffled order. */
  #orderOf(epoch: number): number[] {
    const { length } = this.#samples;
    const shuffled = Array.from({ length }, (_, i) => this.#order(epoch * length + i).index);
    return this.curriculum!.ordered(shuffled.map((i) => this.#samples[i]!.id)).map((i) => shuffled[i]!);
  }

  /** Of what is not wanted yet. An epoch that a curriculum has still to order cannot be looked into. */
  #beginAhead(position: number): void {
    const { epoch } = this.#order(position);
    if (this.curriculum?.isOrdered && epoch > this.curriculum.state.start.epoch) return;
    if (!this.curriculum?.drops(this.#plainSampleAt(position), epoch)) this.#begin(position);
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
