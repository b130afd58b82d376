import { runInNewContext } from 'node:vm';
import { ModelError } from '../../system/errors.js';

/** Milliseconds. A pattern can be written so that it would take years. */
const PATIENCE = 2000;

/**
 * The names that each of peft's patterns matches. Patterns are Python's; what JavaScript reads otherwise is a syntax
 * error in its Unicode mode and so refused, not misread.
 *
 * @param where the file and field that the patterns come from
 * @throws ModelError `ADAPTER_UNSUPPORTED` for a pattern that cannot be read or takes too long
 */
export function matching(args: { patterns: string[]; names: string[]; where: string }): Set<string>[] {
  const { patterns, names, where } = args;
  for (const pattern of patterns) {
    try {
      new RegExp(pattern, 'u');
    } catch (cause) {
      throw refused(`${where}: the pattern ${pattern} cannot be read (${(cause as Error).message})`, cause);
    }
  }
  try {
    const run =
      'patterns.map((source) => { const pattern = new RegExp(source, "u"); return names.filter((name) => pattern.test(name)); })';
    const found = runInNewContext(run, { patterns, names }, { timeout: PATIENCE }) as string[][];
    return found.map((list) => new Set(list));
  } catch (cause) {
    throw refused(`${where}: its patterns take longer than ${PATIENCE} ms to match`, cause);
  }
}

const refused = (what: string, cause: unknown): ModelError =>
  new ModelError({ code: 'ADAPTER_UNSUPPORTED', message: `${what}; write the modules' names instead.`, cause });
