import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config/schema.js';
import { labelsOf } from '../../dataset/classes.js';
import { describeLeftOut } from '../../dataset/left-out.js';
import { loadDataset } from '../../dataset/load.js';
import type { Sample } from '../../dataset/sample.js';
import { answerTrials } from '../../evaluation/answer-trials.js';
import { Answers } from '../../evaluation/answers.js';
import { compareAnswers } from '../../evaluation/comparison.js';
import { evaluationFiles } from '../../evaluation/evaluation-folder.js';
import { answerSampling, heldOutSamples, measureAnswers } from '../../evaluation/held-out.js';
import { type PredictionField, readPredictions } from '../../evaluation/predictions-file.js';
import { evaluationReport } from '../../evaluation/report.js';
import { comparisonText, reportText } from '../../evaluation/report-text.js';
import { flatMetrics } from '../../evaluation/summary.js';
import { type TrialSettings, trialsOf } from '../../evaluation/trials.js';
import { describeLeftOutSamples, leftOutReasons } from '../../prompt/usable-samples.js';
import { Rewards } from '../../rewards/rewards.js';
import { createProgress } from '../../run/progress.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { DataError, UsageError } from '../../system/errors.js';
import { Interrupted } from '../../system/interrupted.js';
import { takeLock } from '../../system/lock.js';
import { once } from '../../system/once.js';
import { stopSignals } from '../../system/stop-signals.js';
import { checkUnderTest, openUnderTest, type UnderTest } from './evaluate-model.js';
import { gradeAnswers } from './grade-answers.js';
import { INTERRUPTED_CODE } from './supervise.js';
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
  const { config, predictions, json } = args;
  // The process that watches over this one ends it where it has to leave at once.
  const { finish: signal } = stopSignals();
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  if (config.data.eval.length === 0) {
    const message = 'the config names no held-out data; give it data.eval';
    throw new DataError({ code: 'DATA_NOTHING_HELD_OUT', message });
  }
  if (predictions === undefined) await checkUnderTest(args);
  const folder = args.output ?? (predictions === undefined ? defaultFolder(args) : undefined);
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const release = folder === undefined ? async () => {} : await takeLock({ file: path.join(folder, 'lock') });
  try {
    return await evaluateIn({ ...args, folder, signal, say, json });
  } catch (error) {
    if (error instanceof Interrupted) return INTERRUPTED_CODE;
    throw error;
  } finally {
    await release();
  }
}

/** In the run's folder, by what is measured. */
function defaultFolder({ config, checkpoint, adapter }: EvaluateArgs): string {
  const { server } = config.evaluation;
  const what = server?.model ?? checkpoint ?? adapter;
  const name = what === undefined ? 'start' : path.basename(path.resolve(what)).replaceAll(/[^A-Za-z0-9_.-]/g, '_');
  return path.join(config.output_dir, 'evaluations', name);
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
  folder: string | undefined;
  signal: AbortSignal;
  say: (text: string) => void;
}

async function evaluateIn(args: Evaluation): Promise<number> {
  const { folder, signal, say } = args;
  const warn = once((message) => say(`warning: ${message}`));
  // Nothing is shown to anybody: the annotations are enough.
  const needsVideos = args.predictions === undefined && !args.rescore;
  const config = needsVideos ? args.config : withoutMissingVideos(args.config, warn);
  const samples = await heldOutSamples({ config, warn });
  // The guessers learn from the training annotations, or from the held-out ones where there are no others.
  const { data, evaluation, seed } = config;
  const train = data.train.length === 0 ? samples : await loadDataset({ data, split: 'train', log: warn });
  const classes = labelsOf(data);
  const settings = { ...evaluation, prompts: evaluation.prompts ?? [data.prompt] };
  const rewards = await Rewards.open({ terms: config.rewards, rollout: config.rollout, judge: config.judge, signal });
  const answers = await answersOf({ ...args, config, samples, settings, warn });
  try {
    const style = settings.prompts[0]!;
    const measured = await measureAnswers({ config, answers, style, samples, train, rewards });
    if (measured.predictions.length === 0) {
      const why = measured.leftOut.length === 0 ? 'none is answered' : leftOutReasons(measured.leftOut);
      const message = `not one of the ${samples.length} held-out samples can be used (${why}); see the warnings above`;
      throw new DataError({ code: 'DATA_NOTHING_READABLE', message });
    }
    const judgements = await gradeAnswers({ ...args, answers, samples, settings, classes });
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
    await answers.close();
    await rewards.close();
  }
}

/** The answers that are measured, asked for as far as they are not there. */
async function answersOf(
  args: Evaluation & { samples: readonly Sample[]; settings: TrialSettings; warn: (message: string) => void },
): Promise<Answers> {
  const { config, predictions, columns, folder, samples, settings, rescore, signal, say, warn } = args;
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
  const model = await openUnderTest({ ...args, isNeeded: known < trials.length });
  if (model === null) return answers;
  const progress = createProgress();
  progress.start(trials.length, 'evaluating');
  try {
    await answerTrials({
      answerer: model.answerer,
      trials,
      answers,
      sampling: answerSampling(config),
      batchSize: config.evaluation.batch_size,
      seed,
      log: warn,
      onProgress: (done) => {
        model.trim();
        progress.update(done);
      },
      signal,
    });
    return answers;
  } catch (error) {
    await answers.close();
    throw error;
  } finally {
    progress.stop();
    model.dispose();
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
