/** Size of a frame in pixels. */
export interface Size {
  height: number;
  width: number;
}

/**
 * The size that Qwen2-VL's video processor gives a frame: both sides multiples of `factor` (patch size · merge size),
 * height · width between `minPixels` and `maxPixels`, aspect ratio kept as well as that allows. The frame count plays no
 * part. Same arithmetic as `smart_resize` of Hugging Face transformers, down to rounding halves to even.
 *
 * @throws RangeError if one side is over 200 times the other.
 */
export const smartResize = ({
  height,
  width,
  factor,
  minPixels,
  maxPixels,
}: Size & { factor: number; minPixels: number; maxPixels: number }): Size => {
  const ratio = Math.max(height, width) / Math.min(height, width);
  if (!(ratio <= 200)) throw new RangeError(`one side is ${ratio} times the other; 200 times is the most`);
  const rounded = { height: roundHalfEven(height / factor) * factor, width: roundHalfEven(width / factor) * factor };
  if (rounded.height * rounded.width > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    const shrink = (side: number): number => Math.max(factor, Math.floor(side / beta / factor) * factor);
    return { height: shrink(height), width: shrink(width) };
  }
  if (rounded.height * rounded.width < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    const grow = (side: number): number => Math.ceil((side * beta) / factor) * factor;
    return { height: grow(height), width: grow(width) };
  }
  return rounded;
};

/** Python's `round`. */
const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
};
