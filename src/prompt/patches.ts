import type { VideoProcessorConfig } from '../model-folder/video-processor-config.js';
import type { Frames } from '../video/frames.js';

/** `[t, h, w]` in patches, before merging: Hugging Face's `video_grid_thw`. */
export type Grid = [number, number, number];

const CHANNELS = 3;

/**
 * Frames as the vision tower takes them: Hugging Face's `pixel_values_videos`, to the last bit.
 *
 * A row is one patch, `[channel, frame, y, x]` (`temporalPatchSize` frames of `patchSize` · `patchSize` pixels). Rows
 * run over time, then over the blocks of `mergeSize` · `mergeSize` patches that become one token, then inside a block.
 * The last frame is repeated until `temporalPatchSize` divides their number.
 *
 * @returns `patches: [t·h·w, 3 · temporalPatchSize · patchSize²]` and `grid: [t, h, w]`
 * @throws RangeError if there is no frame, or a size is no multiple of `patchSize · mergeSize`.
 */
export function toPatches({
  frames,
  config,
}: {
  frames: Pick<Frames, 'data' | 'count' | 'height' | 'width'>;
  config: VideoProcessorConfig;
}): { patches: Float32Array; grid: Grid } {
  const { data, count, height, width } = frames;
  const { patchSize, temporalPatchSize, mergeSize } = config;
  const factor = patchSize * mergeSize;
  if (count === 0 || height % factor !== 0 || width % factor !== 0) {
    throw new RangeError(`frames [${count}, ${height}, ${width}, 3] do not fit patches of ${factor} pixels`);
  }

  const grid: Grid = [Math.ceil(count / temporalPatchSize), height / patchSize, width / patchSize];
  const patches = new Float32Array(grid[0] * temporalPatchSize * height * width * CHANNELS);
  const table = normalizationTable(config);
  let next = 0;

  const writePatch = (slice: number, top: number, left: number): void => {
    for (let channel = 0; channel < CHANNELS; channel++) {
      const values = table[channel]!;
      for (let step = 0; step < temporalPatchSize; step++) {
        const frame = Math.min(slice * temporalPatchSize + step, count - 1);
        for (let y = top; y < top + patchSize; y++) {
          let pixel = ((frame * height + y) * width + left) * CHANNELS + channel;
          for (let x = 0; x < patchSize; x++, pixel += CHANNELS) patches[next++] = values[data[pixel]!]!;
        }
      }
    }
  };

  for (let slice = 0; slice < grid[0]; slice++) {
    for (let blockTop = 0; blockTop < height; blockTop += factor) {
      for (let blockLeft = 0; blockLeft < width; blockLeft += factor) {
        for (let top = blockTop; top < blockTop + factor; top += patchSize) {
          for (let left = blockLeft; left < blockLeft + factor; left += patchSize) writePatch(slice, top, left);
        }
      }
    }
  }
  return { patches, grid };
}

/**
 * What each of the 256 pixel values becomes, `[3][256]`. In float32 with the rescaling folded into mean and deviation,
 * as Hugging Face's processors compute it.
 */
function normalizationTable({ rescaleFactor, imageMean, imageStd }: VideoProcessorConfig): Float32Array[] {
  return imageMean.map((mean, channel) => {
    const shift = Math.fround(Math.fround(mean) * Math.fround(1 / rescaleFactor));
    const scale = Math.fround(Math.fround(imageStd[channel]!) * Math.fround(1 / rescaleFactor));
    return Float32Array.from({ length: 256 }, (_, value) => Math.fround(value - shift) / scale);
  });
}
