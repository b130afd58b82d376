import type { Annotation } from './annotation.js';
import { parseReasoning, REASONING_HEADINGS } from './reasoning.js';

/** How the reasoning texts of a file are written. */
export interface ReasoningReport {
  /** `### Heading: text`. */
  headings: number;
  /** A Python dict. */
  dict: number;
  /** Anything else. */
  text: number;
  /** Of those with headings: they are not the six usual ones, each once. */
  irregularHeadings: number;
  /** Of the dicts: the key evidence is a list, not a text. */
  evidenceLists: number;
  bold: number;
  doubleSpaces: number;
  /** Chinese characters among the English. */
  cjk: number;
}

export function checkReasoning(annotations: readonly Annotation[]): ReasoningReport {
  const texts = annotations.flatMap(({ reasoning }) => reasoning ?? []);
  const parsed = texts.map((text) => ({ text, ...parseReasoning(text) }));
  const count = (is: (reasoning: (typeof parsed)[number]) => boolean) => parsed.filter(is).length;
  return {
    headings: count(({ form }) => form === 'headings'),
    dict: count(({ form }) => form === 'dict'),
    text: count(({ form }) => form === 'text'),
    irregularHeadings: count(({ form, text }) => form === 'headings' && !hasUsualHeadings(text)),
    evidenceLists: count(({ form, parts }) => form === 'dict' && parts.some(({ text }) => Array.isArray(text))),
    bold: count(({ text }) => text.includes('**')),
    doubleSpaces: count(({ text }) => text.includes('  ')),
    cjk: count(({ text }) => /\p{Script=Han}/u.test(text)),
  };
}

function hasUsualHeadings(text: string): boolean {
  const found = [...text.matchAll(/###\s*([^:#]*?):/g)].map(([, heading]) => heading!.trim());
  return found.join('|') === REASONING_HEADINGS.join('|');
}
