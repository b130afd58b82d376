import type { LeftOut } from '../dataset/annotation.js';
import type { Sample } from '../dataset/sample.js';
import { SampleError } from '../system/errors.js';

/** Samples that were left out, for one reason. */
export type LeftOutSamples = Pick<LeftOut, 'reason' | 'count'>;

/** Prepares samples, in whatever way, and keeps count of those that cannot be used. */
export class UsableSamples<T> {
  readonly #prepare: (sample: Sample) => Promise<T>;
  readonly #log: (message: string) => void;
  /** The reason, by the sample's id. */
  readonly #leftOut = new Map<string, string>();
  /** The reason, by the video or picture that cannot be read: no other sample of it needs to be tried. */
  readonly #files = new Map<string, string>();

  /**
   * @param prepare throws SampleError for a sample that cannot be used
   * @param log takes a sentence for each sample that is left out, and for each video once
   */
  constructor({ prepare, log }: { prepare: (sample: Sample) => Promise<T>; log: (message: string) => void }) {
    this.#prepare = prepare;
    this.#log = log;
  }

  /** What the sample becomes; null where it has to be left out. */
  async prepare(sample: Sample): Promise<T | null> {
    const known = this.reasonOf(sample);
    if (known !== undefined) {
      this.leaveOut(sample, known);
      return null;
    }
    try {
      return await this.#prepare(sample);
    } catch (error) {
      if (!(error instanceof SampleError)) throw error;
      if (!this.isLeftOut(sample)) this.#log(`left out: ${error.message}`);
      this.#leftOut.set(sample.id, error.reason);
      if (error.file !== undefined) this.#files.set(error.file, error.reason);
      return null;
    }
  }

  isLeftOut(sample: Sample): boolean {
    return this.reasonOf(sample) !== undefined;
  }

  /** Why a sample is left out; undefined where it is not. */
  reasonOf({ id, visuals }: Sample): string | undefined {
    const known = visuals.map(({ file }) => this.#files.get(file)).find((reason) => reason !== undefined);
    return this.#leftOut.get(id) ?? known;
  }

  /** Counts a sample that is known to be of no use. */
  leaveOut({ id }: Sample, reason: string): void {
    this.#leftOut.set(id, reason);
  }

  /** Of those asked for, how many were left out for each reason. */
  leftOut(): LeftOutSamples[] {
    const counts = new Map<string, number>();
    for (const reason of this.#leftOut.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return [...counts].map(([reason, count]) => ({ reason, count }));
  }
}

/** `3 samples left out: the video cannot be read (2), …`; undefined where there are none. */
export function describeLeftOutSamples(leftOut: readonly LeftOutSamples[]): string | undefined {
  const count = leftOut.reduce((sum, one) => sum + one.count, 0);
  if (count === 0) return undefined;
  return `${count} ${count === 1 ? 'sample' : 'samples'} left out: ${leftOutReasons(leftOut)}`;
}

/** `the video cannot be read (2), …` */
export const leftOutReasons = (leftOut: readonly LeftOutSamples[]): string =>
  leftOut.map(({ reason, count }) => `${reason} (${count})`).join(', ');
