import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/schema.js';
import { labelsOf } from '../../dataset/classes.js';
import { describeLeftOut } from '../../dataset/left-out.js';
import { loadDataset } from '../../dataset/load.js';
import type { Sample } from '../../dataset/sample.js';
import { Answers } from '../../evaluation/answers.js';
import { compareAnswers } from '../../evaluation/comparison.js';
import { claimFolder, evaluationFiles } from '../../evaluation/evaluation-folder.js';
import { heldOutSamples, measureAnswers } from '../../evaluation/held-out.js';
import { type PredictionField, readPredictions } from '../../evaluation/predictions-file.js';
import { evaluationReport } from '../../evaluation/report.js';
import { comparisonText, reportText } from '../../evaluation/report-text.js';
import { flatMetrics } from '../../evaluation/summary.js';
import { type TrialSettings, trialsOf } from '../../evaluation/trials.js';
import { describeLeftOutSamples, leftOutReasons } from '../../prompt/usable-samples.js';
import { Rewards } from '../../rewards/rewards.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { DataError, UsageError } from '../../system/errors.js';
import { once } from '../../system/once.js';
import { stopSignals } from '../../system/stop-signals.js';
import { isFirst } from './cluster.js';
import { askUnderTest, checkUnderTest, decisiveSettings, type UnderTest } from './evaluate-model.js';
import { gradeAnswers } from './grade-answers.js';
import { inFolder } from './in-folder.js';
import { videoDurations } from './video-durations.js';

export interface EvaluateArgs extends UnderTest {
  config: Config;
  /** Another system's answers, in place of a model's. */
  predictions?: string;
  columns: Partial<Record<PredictionField, string>>;
  /** Where answers and report are kept. Left out: in the run's folder. */
  output?: string;
  /** Asks nobody: what is not answered is left out. */
  rescore: boolean;
  /** Another evaluation's folder. */
  compare?: string;
  json: boolean;
}

/** Measures a model, or what another has answered, on held-out data. @returns the exit code */
export async function evaluateCommand(args: EvaluateArgs): Promise<number> {
  const { config, predictions, rescore } = args;
  // The process that watches over this one ends it where it has to leave at once.
  const { finish: signal } = stopSignals();
  const say = (text: string) => void (isFirst(args.cluster) && process.stderr.write(`${text}\n`));
  const warn = once((message) => say(`warning: ${message}`));
  if (config.data.eval.length === 0) {
    const message = 'the config names no held-out data; give it data.eval';
    throw new DataError({ code: 'DATA_NOTHING_HELD_OUT', message });
  }
  if (rescore && args.output === undefined)
    throw new UsageError({ code: 'USAGE', message: '--rescore takes the folder of the evaluation: --output DIR' });
  const asks = predictions === undefined && !rescore;
  if (asks) await checkUnderTest(args);
  // Where nothing is shown to anybody, the annotations are enough.
  const known = asks ? config : withoutMissingVideos(config, warn);
  const samples = await heldOutSamples({ config: known, warn });
  if (!isFirst(args.cluster)) {
    const trials = trialsOf({ samples, settings: settingsOf(config), seed: config.seed });
    await askUnderTest({ ...args, trials, answers: Answers.inMemory(), label: 'evaluating', say, warn, signal });
    return 0;
  }
  const folder = asks ? await claimedFolder({ ...args, samples }) : args.output;
  const task = () => evaluateIn({ ...args, config: known, samples, folder, signal, say, warn });
  return inFolder({ folder, open: async () => ({ close: async () => {} }), task });
}

/**
 * The folder that is given, if what is in it are answers to the same; else one in the run's folder, named by what is
 * measured and by what decides about its answers: the same evaluation finds its own again.
 */
async function claimedFolder(args: EvaluateArgs & { samples: readonly Sample[] }): Promise<string> {
  const { config, checkpoint, adapter, output } = args;
  const settings = await decisiveSettings(args);
  const what = config.evaluation.server?.model ?? checkpoint ?? adapter ?? 'start';
  const name = path.basename(path.resolve(what)).replaceAll(/[^A-Za-z0-9_.-]/g, '_');
  const digest = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 8);
  const folder = output ?? path.join(config.output_dir, 'evaluations', `${name}-${digest}`);
  await claimFolder(folder, settings);
  return folder;
}

/** Where the videos are not, samples go by their names. */
function withoutMissingVideos(config: Config, warn: (message: string) => void): Config {
  const named = <T extends { videos: string }>(source: T): T => {
    if (existsSync(source.videos)) return source;
    warn(`${source.videos} is not there: samples go by the names of their videos`);
    const { videos: _, ...others } = source;
    return others as T;
  };
  const { train, eval: held } = config.data;
  return { ...config, data: { ...config.data, train: train.map(named), eval: held.map(named) } };
}

interface Evaluation extends EvaluateArgs {
  samples: readonly Sample[];
  folder: string | undefined;
  signal: AbortSignal;
  say: (text: string) => void;
  /** Says each thing once. */
  warn: (message: string) => void;
}

async function evaluateIn(args: Evaluation): Promise<number> {
  const { config, samples, folder, signal, say, warn } = args;
  // The guessers learn from the training annotations, or from the held-out ones where there are no others.
  const { data, seed } = config;
  const train = data.train.length === 0 ? samples : await loadDataset({ data, split: 'train', log: warn });
  const classes = labelsOf(data);
  const settings = settingsOf(config);
  // What cannot be asked is told before the model is loaded.
  const rewards = await Rewards.open({ terms: config.rewards, rollout: config.rollout, judge: config.judge, signal });
  let answers: Answers | undefined;
  try {
    answers = await answersOf({ ...args, settings });
    const style = settings.prompts[0]!;
    // Before rewards that ask the same judge: what it has said is not asked again.
    const judgements = await gradeAnswers({ ...args, answers, settings, classes });
    const measured = await measureAnswers({ config, answers, style, samples, train, rewards });
    if (measured.predictions.length === 0) {
      const why = measured.leftOut.length === 0 ? 'none is answered' : leftOutReasons(measured.leftOut);
      const message = `not one of the ${samples.length} held-out samples can be used (${why}); see the warnings above`;
      throw new DataError({ code: 'DATA_NOTHING_READABLE', message });
    }
    const durations = await videoDurations({ samples, answers, settings, folder, bounds: data.video, warn });
    const report = evaluationReport({
      answers,
      samples,
      train,
      classes,
      settings,
      judgements,
      durationOf: ({ id }) => durations.get(id),
      seed,
    });
    const other = args.compare === undefined ? undefined : await Answers.read(evaluationFiles(args.compare).answers);
    const comparison =
      other && compareAnswers({ first: answers, second: other, samples, prompts: settings.prompts, classes, seed });
    if (comparison?.length === 0) {
      const message = `${args.compare} has no answer to a sample of this evaluation; is it an evaluation’s folder, of the same data?`;
      throw new DataError({ code: 'COMPARE_NOTHING', message });
    }
    const record = { ...report, ...(comparison && { compared_with: args.compare, comparison }) };
    const unused = describeLeftOutSamples(measured.leftOut);
    const text = [
      reportText(report),
      ...(comparison === undefined ? [] : [`\n${comparisonText(comparison, ['this', 'other'])}`]),
      ...(unused === undefined ? [] : [`${unused}\n`]),
    ].join('');
    if (folder !== undefined) {
      const files = evaluationFiles(folder);
      await writeAtomically({ file: files.report, text: `${JSON.stringify(record, null, 2)}\n` });
      await writeAtomically({ file: files.text, text });
      say(`kept in ${folder}`);
    }
    const { blind, leftOut } = measured;
    const printed = { metrics: flatMetrics(measured), blind, left_out: leftOut, report: record };
    process.stdout.write(args.json ? `${JSON.stringify(printed)}\n` : text);
    return 0;
  } finally {
    await answers?.close();
    await rewards.close();
  }
}

const settingsOf = ({ evaluation, data }: Config) => ({ ...evaluation, prompts: evaluation.prompts ?? [data.prompt] });

/** The answers that are measured, asked for as far as they are not there. */
async function answersOf(args: Evaluation & { settings: TrialSettings }): Promise<Answers> {
  const { config, predictions, columns, folder, samples, settings, rescore, say, warn } = args;
  const { seed } = config;
  if (predictions !== undefined) {
    const style = settings.prompts[0]!;
    const read = await readPredictions({ file: predictions, columns, samples, style });
    for (const line of describeLeftOut({ file: predictions, leftOut: read.leftOut })) warn(line);
    return read.answers;
  }
  if (rescore) return Answers.read(evaluationFiles(folder!).answers);
  const answers = await Answers.open(evaluationFiles(folder!).answers);
  const trials = trialsOf({ samples, settings, seed });
  const known = trials.filter((trial) => answers.has(trial)).length;
  if (known > 0) say(`${known} of ${trials.length} answers are there already`);
  try {
    if (known < trials.length || args.cluster !== undefined)
      await askUnderTest({ ...args, trials, answers, label: 'evaluating' });
    return answers;
  } catch (error) {
    await answers.close();
    throw error;
  }
}

/** `text=Output`: what a file calls a field. @throws UsageError */
export function columnNames(
  given: readonly string[],
  known: readonly PredictionField[],
): Partial<Record<PredictionField, string>> {
  const pairs = given.map((one) => {
    const [field = '', ...rest] = one.split('=');
    if (known.includes(field as PredictionField) && rest.length > 0) return [field, rest.join('=')] as const;
    const message = `--column ${one}: it takes a field and the file’s name of it, such as text=Output; fields are ${known.join(', ')}`;
    throw new UsageError({ code: 'USAGE', message });
  });
  return Object.fromEntries(pairs);
}
