/** The two options of the command line that are more than a number. */
import { UsageError } from '../system/errors.js';

/** `6-8`, or `6` for clips of one length. @throws UsageError */
export function parseSeconds(text: string): readonly [number, number] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text.trim());
  if (!match) throw usage(`--seconds ${text}: give a range of whole seconds, like 6-8.`);
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

/**
 * `train:3,test:1` shares `clips` out by 3 to 1. What does not divide evenly goes to the largest remainders.
 * @throws UsageError
 */
export function parseSplits({ text, clips }: { text: string; clips: number }): Record<string, number> {
  if (!Number.isInteger(clips) || clips < 1) throw usage(`--clips ${clips}: give a whole number above 0.`);
  const shares = text.split(',').map((part) => {
    const match = /^([^:]+):(\d+(?:\.\d+)?)$/.exec(part.trim());
    if (!match || Number(match[2]) <= 0) throw usage(`--splits ${text}: give names and shares, like train:3,test:1.`);
    return { name: match[1]!, share: Number(match[2]) };
  });
  if (new Set(shares.map(({ name }) => name)).size < shares.length)
    throw usage(`--splits ${text}: a name occurs twice.`);
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  const exact = shares.map(({ name, share }) => ({ name, quota: (clips * share) / total }));
  const counts = Object.fromEntries(exact.map(({ name, quota }) => [name, Math.floor(quota)]));
  const left = clips - Object.values(counts).reduce((sum, count) => sum + count, 0);
  const byRemainder = exact.toSorted((a, b) => (b.quota % 1) - (a.quota % 1));
  for (const { name } of byRemainder.slice(0, left)) counts[name]! += 1;
  return counts;
}

const usage = (message: string) => new UsageError({ code: 'SYNTHESIZE_SETTINGS', message });
