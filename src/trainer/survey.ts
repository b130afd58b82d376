import type { Sample } from '../dataset/sample.js';
import { type LeftOutSamples, UsableSamples } from '../prompt/usable-samples.js';

/** Videos that are looked at: each is read through once, which takes a tenth of a second. */
const VIDEOS = 256;

/** What a run would leave out of its samples. */
export interface Survey {
  /** Those that are not found unusable. */
  usable: Sample[];
  leftOut: LeftOutSamples[];
  /** Samples that were looked at; the rest are taken to be usable. */
  looked: number;
}

/**
 * Looks at samples without decoding their videos: at all, or at those of a part of the videos, spread over the data.
 *
 * @param check throws SampleError for a sample that cannot be used
 * @param log takes a sentence for each of them
 */
export async function surveySamples({
  samples,
  check,
  log,
}: {
  samples: readonly Sample[];
  check: (sample: Sample) => Promise<void>;
  log: (message: string) => void;
}): Promise<Survey> {
  const filesOf = ({ visuals }: Sample) => visuals.map(({ file }) => file);
  const files = new Set(spread([...new Set(samples.flatMap(filesOf))], VIDEOS));
  const seen = samples.filter((sample) => filesOf(sample).some((file) => files.has(file)));
  const samplesOf = new UsableSamples({ prepare: check, log });
  await Promise.all(seen.map((sample) => samplesOf.prepare(sample)));
  const usable = samples.filter((sample) => !samplesOf.isLeftOut(sample));
  return { usable, leftOut: samplesOf.leftOut(), looked: seen.length };
}

/** At most so many items, spread over the list. */
export function spread<T>(items: readonly T[], count: number): T[] {
  const n = Math.min(count, items.length);
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)]!);
}
