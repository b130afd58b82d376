import type { Segment } from '../dataset/sample.js';
import { intervalOf } from '../dataset/segment.js';

const UNIT = String.raw`(?:\s?(?:s|secs?|seconds?))?`;
const NUMBER = String.raw`[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?`;
const CLOCK = String.raw`(?:\d{1,2}:)?\d{1,2}:[0-5]\d(?:\.\d+)?`;
const TIME = `(${CLOCK}|${NUMBER})${UNIT}`;
const SPAN = new RegExp(String.raw`^(?:from\s|between\s)?${TIME}\s?(?:,|;|-|–|—|~|to|and)\s?${TIME}$`, 'i');
/** `10,0, 20,0`: commas for decimal points, told from those that separate by the space after these. */
const WITH_DECIMAL_COMMAS = /^(\d+),(\d+)\s?(?:,\s|;\s?|\s[-–—]\s)(\d+),(\d+)$/;
const NO_SPAN = /^(?:none|null|n\/?a|nan|nan, ?nan)?$/i;
/** Longer than any two times. */
const LONGEST = 120;

/**
 * The span of a tag answer, in seconds: `[start, end]`, also without brackets or with others, with a unit, with clock
 * times, with a dash between. `[-1, -1]` is normal; `none` is what says that there is no span (`None`, `[]`, `[0, 0]`).
 * Undefined for anything else: several spans, a start that is not before its end, a negative time.
 */
export function readSpan(text: string): Segment | 'none' | undefined {
  const bare = withoutBrackets(text.trim());
  if (bare.length > LONGEST) return undefined;
  if (NO_SPAN.test(bare)) return 'none';
  const decimals = bare.replace(WITH_DECIMAL_COMMAS, '$1.$2, $3.$4');
  const match = SPAN.exec(decimals);
  if (match === null) return undefined;
  const [start, end] = [seconds(match[1]!), seconds(match[2]!)];
  if (start === -1 && end === -1) return { kind: 'normal' };
  if (start === 0 && end === 0) return 'none';
  const span = intervalOf({ start, end });
  return 'value' in span ? span.value : undefined;
}

const PAIRS = ['[]', '()', '{}'];
/** A unit or a stop after the brackets. */
const AFTER = /(?<=[\])}])\s?(?:s|secs?|seconds?)?\s?[.。]?$/i;

function withoutBrackets(text: string): string {
  let bare = text.length > 2 * LONGEST ? text : text.replace(/\s+/g, ' ').replace(AFTER, '');
  for (let layer = 0; layer < 3 && PAIRS.includes(`${bare[0]}${bare.at(-1)}`); layer++) bare = bare.slice(1, -1).trim();
  return bare.replace(/\.$/, '');
}

/** Of `12.5`, `1:05` or `1:02:03`. */
const seconds = (time: string): number => time.split(':').reduce((total, part) => total * 60 + Number(part), 0);
