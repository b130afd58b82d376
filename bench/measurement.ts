import { z } from 'zod';

/** What every contender prints as one line of JSON: medians over its timed steps. Times in seconds. */
export const measurementSchema = z.object({
  peer: z.string(),
  dtype: z.string(),
  threads: z.number(),
  seconds: z.number(),
  /** What the named ones leave of the step is `rest`. */
  phases: z.record(z.string(), z.number()),
  step_seconds: z.array(z.number()),
  /** The peak until the model was loaded; ours alone. */
  loaded_rss_bytes: z.number().optional(),
  /** Of the whole process, loading included. */
  peak_rss_bytes: z.number(),
  tokens: z.object({ prompt: z.number(), vision: z.number(), completion: z.number(), generations: z.number() }),
  prompt_sha256: z.string(),
  /** TensorFlow tensors made in one step, by operations and uploads; ours alone. */
  handles: z.number().optional(),
});
export type Measurement = z.output<typeof measurementSchema>;

/** What decoding prints: the median of its token steps. */
export const tokenMeasurementSchema = measurementSchema.pick({
  peer: true,
  dtype: true,
  threads: true,
  seconds: true,
  prompt_sha256: true,
});
export type TokenMeasurement = z.output<typeof tokenMeasurementSchema>;

/** @throws Error if the contenders were not given the same thing */
export function wantSamePrompt(measurements: readonly { prompt_sha256: string }[]): void {
  const digests = new Set(measurements.map(({ prompt_sha256 }) => prompt_sha256));
  if (digests.size > 1) throw new Error('the contenders did not see the same prompt: the comparison is void');
}

/** What a machine can do at best. */
export const ratesSchema = z.object({
  /** Billions of floating-point operations a second of a large product. */
  float32: z.number(),
  bfloat16: z.number().nullable(),
  /** Of memory, GB a second (10⁹ bytes), with all threads. */
  read: z.number(),
});
export type Rates = z.output<typeof ratesSchema>;

/** Of the quickest kind of product. */
export const productPeak = ({ float32, bfloat16 }: Rates): number => Math.max(float32, bfloat16 ?? 0);

/** Python's `statistics.median`. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
