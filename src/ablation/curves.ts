import { recordsByStep } from '../run/jsonl.js';
import { runFiles } from '../run/run-folder.js';
import { mean } from '../statistics/moments.js';
import { armsOf, type Outcome } from './arms.js';

/** How a reward term grew while an arm was trained: means over its finished runs. */
export interface TermCurve {
  labels: string[];
  term: string;
  /** The mean over all steps: the area under the curve, by its length. */
  area: number;
  /** Steps until the mean of the last ten has come to nine tenths of the way that the first arm goes; null: never. */
  steps: number | null;
}

const SMOOTHED_OVER = 10;
const WAY = 0.9;

/** The learning curves of every arm's terms, by what is in the metrics of its runs. */
export async function termCurves(outcomes: readonly Outcome[]): Promise<TermCurve[]> {
  const arms = await Promise.all(
    armsOf(outcomes).map(async ({ labels, outcomes: own }) => {
      const done = own.filter(({ finished }) => finished !== undefined);
      return { labels, runs: await Promise.all(done.map(({ run }) => termsOf(run.config.output_dir))) };
    }),
  );
  const terms = [...new Set(arms.flatMap(({ runs }) => runs.flatMap((run) => [...run.keys()])))];
  return terms.flatMap((term) => {
    const threshold = thresholdOf((arms[0]?.runs ?? []).flatMap((run) => [run.get(term) ?? []]));
    return arms.flatMap(({ labels, runs }): TermCurve[] => {
      const curves = runs.flatMap((run) => [run.get(term) ?? []]).filter((curve) => curve.length > 0);
      if (curves.length === 0) return [];
      const reached = curves.map((curve) => stepsTo(curve, threshold));
      return [
        {
          labels,
          term,
          area: mean(curves.map(mean)),
          steps: reached.includes(null) ? null : mean(reached as number[]),
        },
      ];
    });
  });
}

/** The means of a run's reward terms, step by step. */
async function termsOf(folder: string): Promise<Map<string, number[]>> {
  const terms = new Map<string, number[]>();
  for (const record of (await recordsByStep(runFiles(folder).metrics)).values()) {
    for (const [name, value] of Object.entries(record)) {
      const term = /^rewards\/(.+)\/mean$/.exec(name)?.[1];
      if (term === undefined || typeof value !== 'number') continue;
      const known = terms.get(term);
      if (known) known.push(value);
      else terms.set(term, [value]);
    }
  }
  return terms;
}

/** Of the first arm's curves: nine tenths of the way from where they begin to where they end. */
function thresholdOf(curves: readonly number[][]): number {
  const long = curves.filter(({ length }) => length > 0);
  const begins = mean(long.map((curve) => mean(curve.slice(0, SMOOTHED_OVER))));
  const ends = mean(long.map((curve) => mean(curve.slice(-SMOOTHED_OVER))));
  return begins + WAY * (ends - begins);
}

function stepsTo(curve: readonly number[], threshold: number): number | null {
  for (let end = Math.min(SMOOTHED_OVER, curve.length); end <= curve.length; end++)
    if (mean(curve.slice(Math.max(0, end - SMOOTHED_OVER), end)) >= threshold) return end;
  return null;
}
