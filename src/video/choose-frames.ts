/** Frames go into the model in pairs (`temporal_patch_size` of Qwen2-VL). */
const PAIR = 2;
/** The fewest that Qwen2-VL's processor takes of a video that has them. */
const MIN_FRAMES = 4;

/**
 * Which frames of a video the model sees, as indices in ascending order.
 *
 * How many, after `Qwen2VLVideoProcessor.sample_frames` of Hugging Face transformers: duration · fps, at least 4, at most
 * `maxFrames` and the frames there are, then down to an even number; one where only one is there or allowed.
 *
 * Which, n of N frames: with a constant frame rate the processor's rule, frame ⌊i·N/n⌋ for i = 0 … n−1. With a variable
 * one, that rule's sense on true time: the frame on screen at i·duration/n; one that stays on screen long may come twice.
 *
 * @param times when each frame is shown, seconds from the start, ascending. `[N]`
 * @param duration seconds.
 */
export const chooseFrames = ({
  times,
  duration,
  fps,
  maxFrames,
}: {
  times: number[];
  duration: number;
  fps: number;
  maxFrames: number;
}): number[] => {
  const total = times.length;
  const count = frameCount({ total, duration, fps, maxFrames });
  const steps = Array.from({ length: count }, (_, i) => i);
  if (isConstantRate({ times, duration })) return steps.map((i) => Math.floor((i * total) / count));
  let index = 0;
  return steps.map((i) => {
    const time = (i * duration) / count;
    while (index + 1 < total && times[index + 1]! <= time) index += 1;
    return index;
  });
};

const frameCount = ({
  total,
  duration,
  fps,
  maxFrames,
}: {
  total: number;
  duration: number;
  fps: number;
  maxFrames: number;
}): number => {
  // Containers round times, so 60 s may be 59.999 s; that must not cost a pair of frames.
  const asked = duration * fps + 0.01;
  const bounded = Math.min(Math.max(asked, MIN_FRAMES), maxFrames, total);
  return Math.max(1, Math.floor(bounded / PAIR) * PAIR);
};

/** No frame strays from an even grid by over a quarter of its step: containers round times, cameras jitter a little. */
const isConstantRate = ({ times, duration }: { times: number[]; duration: number }): boolean => {
  const step = duration / times.length;
  return times.every((time, i) => Math.abs(time - i * step) <= step / 4);
};
