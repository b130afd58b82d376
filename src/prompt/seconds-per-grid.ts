/**
 * Seconds from one slice of a video to the next, Hugging Face's `second_per_grid_ts`: as many frames as a slice has,
 * over the frames that were sampled a second of true time.
 *
 * @param times of the frames, in seconds
 * @param temporalPatchSize frames of a slice
 * @returns undefined for a single frame, which has no rate
 */
export function secondsPerGrid({
  times,
  temporalPatchSize,
}: {
  times: readonly number[];
  temporalPatchSize: number;
}): number | undefined {
  if (times.length < 2) return undefined;
  return (temporalPatchSize * (times.at(-1)! - times[0]!)) / (times.length - 1);
}
