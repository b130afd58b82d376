import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** What a run leaves behind that has to be the same however often it was interrupted, by file. */
export type Outcome = Map<string, string>;

/** Records of a run's folder whose every byte counts. */
const RECORDS = [
  'completions.jsonl',
  'evaluations.jsonl',
  'held-out.jsonl',
  'verdicts.jsonl',
  'finished.json',
  'best.json',
];
/** What differs each time. */
const MEASURED = /^(?:time|memory)\//;

/**
 * Reads a run's folder: its records, metrics without what was measured of time and memory, and of each checkpoint the
 * manifest, which holds the digest of all that is in it.
 */
export async function readOutcome(folder: string): Promise<Outcome> {
  const outcome: Outcome = new Map();
  const take = async (name: string, change = (text: string) => text) => {
    const text = await readFile(path.join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text !== undefined) outcome.set(name, change(text));
  };
  await take('metrics.jsonl', withoutMeasured);
  for (const name of RECORDS) await take(name);
  const checkpoints = await readdir(path.join(folder, 'checkpoints')).catch(() => []);
  for (const name of checkpoints.toSorted()) await take(path.join('checkpoints', name, 'manifest.json'));
  return outcome;
}

const withoutMeasured = (text: string): string =>
  text
    .split('\n')
    .map((line) =>
      line === '' ? '' : JSON.stringify(JSON.parse(line), (key, value) => (MEASURED.test(key) ? undefined : value)),
    )
    .join('\n');

/** What differs between two runs, a sentence a file; none where they are the same. */
export function outcomeDifferences(one: Outcome, other: Outcome): string[] {
  const names = [...new Set([...one.keys(), ...other.keys()])];
  return names.flatMap((name) => {
    const [a, b] = [one.get(name), other.get(name)];
    if (a === b) return [];
    if (a === undefined || b === undefined) return [`${name} is in one of the two runs only`];
    return [`${name}: ${firstDifference(a, b)}`];
  });
}

/** Where two texts part: the line, and in JSON the names of what differs. */
function firstDifference(a: string, b: string): string {
  const [first, second] = [a.split('\n'), b.split('\n')];
  const line = first.findIndex((text, i) => text !== second[i]);
  if (line < 0) return `${first.length - 1} and ${second.length - 1} lines`;
  const names = differingNames(first[line]!, second[line] ?? '');
  return `line ${line + 1} differs${names.length === 0 ? '' : ` in ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`}`;
}

function differingNames(a: string, b: string): string[] {
  try {
    const [one, other] = [JSON.parse(a), JSON.parse(b)] as Record<string, unknown>[];
    const names = [...new Set([...Object.keys(one!), ...Object.keys(other!)])];
    return names.filter((name) => JSON.stringify(one![name]) !== JSON.stringify(other![name]));
  } catch {
    return [];
  }
}
