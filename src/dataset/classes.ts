import type { Part } from './annotation.js';
import { plainText } from './answer-text.js';

/** The label of a video in which nothing abnormal happens. */
export const NORMAL_CLASS = 'Normal';

/** The 20 labels of VAU-Bench, spelled as its annotation files spell them. */
export const VAU_BENCH_CLASSES: readonly string[] = [
  NORMAL_CLASS,
  'Abuse',
  'Agriculture',
  'Arrest',
  'Arson',
  'Assault',
  'Explosion',
  'Fighting',
  'Fire',
  'Food Safety',
  'Medical Abnormality',
  'Natural Hazard',
  'Object_falling',
  'People_falling',
  'Robbery',
  'Shooting',
  'Stealing',
  'Traffic_accident',
  'Vandalism',
  'Water_incident',
];

/** The labels of the cls task: those of a config's `data`, else VAU-Bench's. */
export const labelsOf = ({ classes }: { classes?: readonly string[] }): readonly string[] =>
  classes ?? VAU_BENCH_CLASSES;

/** What two spellings of one label share: case, spaces, underscores and hyphens do not count, nor what stands around. */
const key = (label: string) => plainText(label).replace(/[\s_‐-]+/g, '');

/** The label of the list that a text names, in the spelling of the list; undefined when it names none or several. */
export function matchClass({ label, classes }: { label: string; classes: readonly string[] }): string | undefined {
  if (classes.includes(label)) return label;
  const wanted = key(label);
  const named = wanted === '' ? [] : classes.filter((known) => key(known) === wanted);
  return named.length === 1 ? named[0] : undefined;
}

/** The label of an annotation, in the spelling of the list. */
export function classOf({ label, classes }: { label: string; classes: readonly string[] }): Part<string> {
  if (label === '') return { absent: 'no class' };
  const known = matchClass({ label, classes });
  return known === undefined ? { problem: `the class “${label}” is not in the list of classes` } : { value: known };
}
