import { nearestName } from '../system/nearest-name.js';
import { controlTokenProblem } from './control-tokens.js';
import type { LeftOutRows } from './left-out.js';

/** So many names are told; a file with more is another kind of file. */
const NAMES_TOLD = 20;

/** Makes what is said of fields or columns that nobody knows. */
export function unknownNames({
  what,
  known,
}: {
  what: 'field' | 'column';
  known: readonly string[];
}): (name: string) => string {
  const reasons = new Map<string, string>();
  return (name) => {
    const told = reasons.get(name);
    if (told !== undefined) return told;
    if (reasons.size === NAMES_TOLD) return `further ${what}s that are not known`;
    const near = nearestName(name, known);
    const reason = `the ${what} “${name.slice(0, 60)}” is not known${near === undefined ? '' : `; did you mean “${near}”?`}`;
    reasons.set(name, reason);
    return reason;
  };
}

/** A text that goes with an annotation, if there is one and it can be shown to a model. */
export function usableText({
  what,
  text,
  row,
  unused,
}: {
  what: string;
  text?: string;
  row: number;
  unused: LeftOutRows;
}): string | undefined {
  if (!text) return undefined;
  const problem = controlTokenProblem({ what, texts: [text] });
  if (problem === undefined) return text;
  unused.add({ reason: problem, row });
  return undefined;
}
