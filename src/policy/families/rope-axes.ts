/** Frequencies for time, height and width: Hugging Face's `mrope_section`. */
export type MropeSection = readonly [number, number, number];

/** Those of time, then those of height, then those of width (Qwen2-VL). `[Σ section]` */
export const consecutiveAxes = (section: MropeSection): number[] =>
  section.flatMap((count, axis) => Array<number>(count).fill(axis));

/**
 * One after the other in turn, as long as height and width have some left; the rest is time's (Qwen3-VL's
 * `mrope_interleaved`). `[Σ section]`
 */
export function interleavedAxes(section: MropeSection): number[] {
  const count = section[0] + section[1] + section[2];
  return Array.from({ length: count }, (_, i) => {
    const axis = i % 3;
    return axis > 0 && i < 3 * section[axis]! ? axis : 0;
  });
}
