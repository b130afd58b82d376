/**
 * What a clip will show, drawn from (seed, split, index) alone: no clip depends on another, so a set can be made in any
 * order and finished later.
 *
 * Balance is what keeps the text from giving the answer away. Within a split every class comes equally often, and
 * within a class every answer letter; wrong options are a uniform draw from the other classes; length, interval and
 * scenery are drawn from keys that the class has no part in.
 */

import type { OptionLetter } from '../dataset/sample.js';
import { permutation, randomBits, textKey, uniform } from '../system/random.js';
import { CLIP_CLASSES, type ClipClass, NORMAL } from './classes.js';

export interface ClipSettings {
  seed: number;
  split: string;
  /** Height and width in pixels. */
  size: number;
  /** Shortest and longest clip; lengths go up from the shortest in steps of `STEP` seconds. */
  seconds: readonly [number, number];
}

export interface ClipPlan {
  id: string;
  /** Key of everything that is drawn at random while rendering. */
  key: number;
  size: number;
  seconds: number;
  class: ClipClass;
  /** Seconds, `start < end`: the event is seen at `start <= t < end`. Absent for a normal clip. */
  segment?: readonly [number, number];
  /** Where an event would be: drawn for normal clips too, so that scenery does not depend on the class. */
  slot: readonly [number, number];
  options: readonly [string, string, string, string];
  answer: OptionLetter;
}

const LETTERS = ['A', 'B', 'C', 'D'] as const;

/** One key per purpose, so that draws for different purposes are independent. */
const PURPOSE = { class: 1, letter: 2, options: 3, seconds: 4, start: 5, length: 6, scene: 7 } as const;

/** An integer of `low` … `high`, both included. */
function integer(low: number, high: number, ...keys: number[]): number {
  return low + Math.floor(uniform(...keys) * (high - low + 1));
}

/**
 * Lengths of clips, starts and ends of events step by this many seconds: frames go into the model in pairs, so at one
 * frame a second each pair shows an event throughout or not at all, and the annotated times can be told exactly.
 */
const STEP = 2;

/** The plan of clip `index` of a split. An event lasts one or two steps. */
export function planClip({ seed, split, size, seconds: [shortest, longest] }: ClipSettings, index: number): ClipPlan {
  const base = randomBits(seed, textKey(split));
  const count = CLIP_CLASSES.length;
  const round = Math.floor(index / count);
  const classIndex = permutation(count, base, PURPOSE.class, round)[index % count]!;
  const clipClass = CLIP_CLASSES[classIndex]!;

  // `round` counts the clips of a class: every four of them use every letter once.
  const letter = permutation(4, base, PURPOSE.letter, classIndex, Math.floor(round / 4))[round % 4]!;
  const others = CLIP_CLASSES.filter((other) => other !== clipClass).map((other) => other.phrase);
  const wrong = permutation(others.length, base, PURPOSE.options, index).slice(0, 3);
  const options = Array.from(wrong, (i) => others[i]!);
  options.splice(letter, 0, clipClass.phrase);

  const seconds = shortest + STEP * integer(0, Math.floor((longest - shortest) / STEP), base, PURPOSE.seconds, index);
  const length = STEP * integer(1, 2, base, PURPOSE.length, index);
  const start = STEP * integer(0, Math.floor((seconds - length) / STEP), base, PURPOSE.start, index);
  const slot = [start, start + length] as const;

  return {
    id: `${split}-${String(index).padStart(5, '0')}`,
    key: randomBits(base, PURPOSE.scene, index),
    size,
    seconds,
    class: clipClass,
    ...(clipClass.name === NORMAL ? {} : { segment: slot }),
    slot,
    options: options as unknown as ClipPlan['options'],
    answer: LETTERS[letter]!,
  };
}
