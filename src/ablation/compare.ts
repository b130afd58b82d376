import { type HeldOutAnswer, readHeldOut } from '../evaluation/held-out-answers.js';
import { runFiles } from '../run/run-folder.js';
import { holm } from '../statistics/holm.js';
import { mean } from '../statistics/moments.js';
import { type ArmDifference, improvementProbability, pairedArms, seedsNeeded } from '../statistics/paired-arms.js';
import { groupBy } from '../system/group-by.js';
import { TASKS } from '../tasks/index.js';
import { type Arm, armsOf, type Outcome } from './arms.js';

/** Fewer say nothing about others that there could have been. */
const [MIN_SEEDS, MIN_VIDEOS] = [3, 10];
/** Of being wrong about any arm. */
const LEVEL = 0.05;

export type Verdict = 'better' | 'worse' | 'no difference seen' | 'too few seeds' | 'too few videos';

/** One arm beside the first, by the number of one task, on the samples that all of their runs have answered. */
export interface Comparison {
  labels: string[];
  isControl: boolean;
  /** As `tag/miou`. */
  metric: string;
  /** Seeds that both arms have done, samples, and videos that these are about. */
  seeds: number;
  samples: number;
  videos: number;
  /** Means over seeds and samples. */
  base: number;
  value: number;
  verdict: Verdict;
  /** The rest is null where there is too little to say it. */
  difference: ArmDifference | null;
  /** Adjusted for all arms that were tested (Holm). */
  p: number | null;
  /** How often a run of the arm is better than one of the base (Agarwal et al. 2021). */
  improvement: number | null;
  /** Seeds with which a difference of the observed size would be found in four of five ablations; null: with none. */
  seedsNeeded: number | null;
}

/**
 * Compares every arm with the first one, sample by sample: the same videos, and the same seeds, which decide about the
 * order of the data. Where a number was named beforehand its p-values are adjusted among each other; all others together.
 *
 * @param seed of the bootstrap
 */
export async function compareArms(args: {
  outcomes: readonly Outcome[];
  primary?: string;
  seed: number;
}): Promise<Comparison[]> {
  const { outcomes, primary, seed } = args;
  const arms = await Promise.all(armsOf(outcomes).map(answeredArm));
  const [base, ...others] = arms;
  if (base === undefined) return [];
  const found = TASKS.flatMap(({ name: task, headline }) =>
    headline === undefined
      ? []
      : others.flatMap((arm) => {
          const paired = pair({ arm, base, task });
          return paired === null ? [] : [{ arm, metric: `${task}/${headline.name}`, ...paired }];
        }),
  );
  const measured = found.map(({ arm: { labels, isControl }, metric, rows, weights, ...counts }) => {
    const verdict = tooFew(counts);
    const [own, bases] = [rows.map(({ arm }) => mean(arm)), rows.map(({ base }) => mean(base))];
    const differences = rows.map(({ byVideo }) => byVideo);
    const difference = verdict === undefined ? pairedArms({ differences, weights, seed }) : null;
    return {
      ...{ labels, isControl, metric, ...counts, base: mean(bases), value: mean(own), difference },
      improvement: verdict === undefined ? improvementProbability(own, bases) : null,
      seedsNeeded: verdict === undefined ? seedsNeeded({ differences, weights }) : null,
      tooFew: verdict,
    };
  });
  const families = groupBy(
    measured.filter(({ difference }) => difference !== null),
    ({ metric }) => metric === primary,
  );
  const adjusted = new Map(
    [...families.values()].flatMap((family) => {
      const values = holm(family.map(({ difference }) => difference!.p));
      return family.map((one, i) => [one, values[i]!] as const);
    }),
  );
  return measured.map((one) => {
    const { tooFew: few, ...rest } = one;
    const p = adjusted.get(one) ?? null;
    return { ...rest, p, verdict: few ?? verdictOf({ difference: one.difference!.difference, p: p! }) };
  });
}

type Answered = Omit<Arm, 'outcomes'> & { answers: Map<number, Map<string, HeldOutAnswer>> };

/** The answers of an arm's runs, by seed and sample. The control's seeds stand for those of the base, in their order. */
async function answeredArm({ outcomes, ...arm }: Arm): Promise<Answered> {
  const done = outcomes.map(async ({ run, finished }, i) => {
    const answers = finished === undefined ? [] : await readHeldOut(runFiles(run.config.output_dir).heldOut);
    const own = answers.filter(({ step, value }) => step === finished?.step && value !== null);
    return [i, new Map(own.map((answer) => [answer.sample_id, answer]))] as const;
  });
  const answers = (await Promise.all(done)).filter(([, own]) => own.size > 0);
  return { ...arm, answers: new Map(answers) };
}

interface Paired {
  seeds: number;
  samples: number;
  videos: number;
  /** A row a seed: the values of both arms by sample, and the mean difference of each video. */
  rows: { arm: number[]; base: number[]; byVideo: number[] }[];
  /** Samples of each video. */
  weights: number[];
}

/** Null where both have not one sample of the task in common. */
function pair({ arm, base, task }: { arm: Answered; base: Answered; task: string }): Paired | null {
  const seeds = [...base.answers.keys()].filter((i) => arm.answers.has(i));
  const all = seeds.flatMap((i) => [base.answers.get(i)!, arm.answers.get(i)!]);
  const [first] = all;
  if (first === undefined) return null;
  const shared = [...first.values()].filter(
    (answer) => answer.task === task && all.every((answers) => answers.has(answer.sample_id)),
  );
  if (shared.length === 0) return null;
  const videos = [...groupBy(shared, ({ video }) => video).values()];
  const rows = seeds.map((i) => {
    const value = (one: Answered, { sample_id }: HeldOutAnswer) => one.answers.get(i)!.get(sample_id)!.value!;
    return {
      arm: shared.map((answer) => value(arm, answer)),
      base: shared.map((answer) => value(base, answer)),
      byVideo: videos.map((same) => mean(same.map((answer) => value(arm, answer) - value(base, answer)))),
    };
  });
  const counts = { seeds: seeds.length, samples: shared.length, videos: videos.length };
  return { ...counts, rows, weights: videos.map(({ length }) => length) };
}

function tooFew({ seeds, videos }: { seeds: number; videos: number }): Verdict | undefined {
  if (seeds < MIN_SEEDS) return 'too few seeds';
  return videos < MIN_VIDEOS ? 'too few videos' : undefined;
}

function verdictOf({ difference, p }: { difference: number; p: number }): Verdict {
  if (p >= LEVEL) return 'no difference seen';
  return difference > 0 ? 'better' : 'worse';
}
