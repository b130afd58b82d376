import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import type { LeftOutSamples } from '../prompt/usable-samples.js';
import { mean } from '../statistics/moments.js';
import { groupBy } from '../system/group-by.js';
import { constantInterval } from '../tasks/constant-interval.js';
import { TASKS } from '../tasks/index.js';
import { judge } from '../tasks/judge.js';
import { isGrounded } from '../tasks/named.js';
import type { JudgedPrediction, PromptStyle, Task } from '../tasks/task.js';
import type { Answer, Answers } from './answers.js';
import { byVideo } from './by-video.js';
import { type Confusion, confusionOf } from './confusion.js';
import { type Figure, measureFigures } from './figures.js';
import { frameFigures } from './frame-figures.js';
import type { FrameSettings } from './frame-scores.js';
import { guessedMetrics, guessesAt } from './guessed.js';
import { predictionsOf } from './held-out.js';
import { gradeFigures, type Judgement, type JudgementCounts, judgementCounts } from './judgements.js';
import { optionAt, optionFigures } from './option-orders.js';
import { sourceOf } from './source-of.js';
import { textFigures } from './text-figures.js';
import { ANSWER, inOrder, optionTrial, type TrialSettings, VOTES } from './trials.js';
import { viewFigures } from './view-figures.js';

/** One task, asked in one way, of one source or of all. */
export interface Section {
  prompt: PromptStyle;
  task: TaskName;
  /** `all`, or where the samples are from. */
  source: string;
  /** That were answered; figures are of these. */
  samples: number;
  videos: number;
  figures: Figure[];
  /** Answers that are not of the form asked for, by what is wrong with them. */
  problems: Record<string, number>;
  /** cls: answers by annotated class. */
  confusion?: Confusion;
  /** Replies of the judge. */
  judge?: JudgementCounts;
  /** Means over the answers, where they are known. */
  tokens?: number;
  seconds?: number;
}

/** All that an evaluation says: a function of samples, answers, judgements and settings. */
export interface EvaluationReport {
  seed: number;
  /** Samples that were to be answered. */
  asked: number;
  sections: Section[];
  left_out: LeftOutSamples[];
}

interface ReportOptions {
  answers: Answers;
  samples: readonly Sample[];
  /** What guessers learn from. */
  train: readonly Sample[];
  classes: readonly string[];
  settings: TrialSettings & { frames: FrameSettings };
  /** Of the judge, by prompt. */
  judgements?: Partial<Record<PromptStyle, readonly Judgement[]>>;
  /** Seconds of a sample's video. */
  durationOf: (sample: Sample) => number | undefined;
  seed: number;
}

export function evaluationReport(options: ReportOptions): EvaluationReport {
  const { answers, samples, settings, seed } = options;
  const sections = settings.prompts.flatMap((prompt) =>
    TASKS.flatMap((task) => {
      const ofTask = samples.filter((sample) => sample.task === task.name);
      const sources = [...groupBy(ofTask, sourceOf)];
      const parts = sources.length > 1 ? sources : [];
      return [['all', ofTask] as const, ...parts].flatMap(
        ([source, part]) => section({ ...options, prompt, task, source, samples: part }) ?? [],
      );
    }),
  );
  const { leftOut } = predictionsOf({ answers, samples, style: settings.prompts[0]! });
  return { seed, asked: samples.length, sections, left_out: leftOut };
}

interface SectionOptions extends ReportOptions {
  prompt: PromptStyle;
  task: Task;
  source: string;
}

function section(options: SectionOptions): Section | undefined {
  const { answers, prompt, task, source, classes, train, seed } = options;
  const judged = judgedAnswers(options, ANSWER);
  if (judged.length === 0) return undefined;
  const held = judged.map(({ sample }) => sample);
  const measures = task.measures(held);
  const guessed = guessedMetrics({ samples: held, train, measures, classes });
  const own = measureFigures({ judged, measures, seed }).map((figure) => ({
    ...figure,
    ...guessesAt(guessed, figure),
  }));
  const wrong = groupBy(
    judged.flatMap(({ parsed }) => parsed.problem ?? []),
    (problem) => problem,
  );
  const given = held.flatMap((sample) => answers.of({ name: ANSWER, style: prompt, sample }));
  const judgements = (options.judgements?.[prompt] ?? []).filter(({ sample }) => held.includes(sample));
  return {
    prompt,
    task: task.name,
    source,
    samples: judged.length,
    videos: byVideo(judged).length,
    figures: [
      ...own,
      ...orderFigures(options),
      ...viewsFigures(options),
      ...voteFigures(options),
      ...descriptionFigures(options, judged),
      ...gradeFigures(judgements, seed),
    ],
    problems: Object.fromEntries([...wrong].map(([problem, all]) => [problem, all.length])),
    ...(task.name === 'cls' && { confusion: confusionOf(judged) }),
    ...(judgements.length > 0 && { judge: judgementCounts(judgements) }),
    ...meanOfKnown(given, 'tokens'),
    ...meanOfKnown(given, 'seconds'),
  };
}

/** What the first answers of a kind are worth. */
function judgedAnswers({ answers, samples, prompt, classes }: SectionOptions, name: string): JudgedPrediction[] {
  const predictions = samples.flatMap((sample) => {
    const [answer] = answers.of({ name, style: prompt, sample });
    return answer === undefined ? [] : [{ sample, text: answer.text }];
  });
  return judge({ predictions, style: prompt, classes });
}

function orderFigures(options: SectionOptions): Figure[] {
  const { samples, settings, prompt, classes, answers, seed, task } = options;
  if (settings.option_orders < 2 || samples.every(({ options: listed }) => listed === undefined)) return [];
  if (task.name !== 'qa') return [];
  const orders = Array.from({ length: settings.option_orders }, (_, i) => i + 1);
  const questions = samples.flatMap((sample) => {
    const chosen = orders.map((order) => {
      const asked = inOrder(sample, { order, seed });
      const [answer] = answers.of({ name: optionTrial(order), style: prompt, sample });
      if (answer === undefined) return null;
      const [one] = judge({ predictions: [{ sample: asked, text: answer.text }], style: prompt, classes });
      return optionAt(asked, one!.parsed.answer);
    });
    return chosen.includes(null) ? [] : [{ sample, chosen: chosen as (string | undefined)[] }];
  });
  if (questions.length === 0) return [];
  const accuracy = headlineGuesses(options, questions);
  return optionFigures(questions, seed).map((figure) =>
    figure.metric.endsWith('accuracy') ? { ...figure, ...accuracy } : figure,
  );
}

function viewsFigures(options: SectionOptions): Figure[] {
  const { settings, seed, task } = options;
  const { headline } = task;
  if (headline === undefined) return [];
  const own = new Map(judgedAnswers(options, ANSWER).map((one) => [one.sample, one]));
  return settings.views.flatMap((view) => {
    const pairs = judgedAnswers(options, view).flatMap((other) => {
      const first = own.get(other.sample);
      return first === undefined ? [] : [{ sample: other.sample, own: first, other }];
    });
    if (pairs.length === 0) return [];
    const guesses = headlineGuesses(options, pairs);
    return viewFigures({ view, pairs, headline, seed }).map((figure) =>
      figure.metric === `${headline.name}@${view}` ? { ...figure, ...guesses } : figure,
    );
  });
}

/** What guessers get of a task’s headline on some of its samples. */
function headlineGuesses(
  { task, train, classes }: SectionOptions,
  items: readonly { sample: Sample }[],
): Pick<Figure, 'blind' | 'guesses'> {
  const samples = items.map(({ sample }) => sample);
  const guessed = guessedMetrics({ samples, train, measures: task.measures(samples), classes });
  return task.headline === undefined ? {} : guessesAt(guessed, { metric: task.headline.name, better: 'higher' });
}

function voteFigures(options: SectionOptions): Figure[] {
  const { task, settings, samples, answers, prompt, classes, durationOf, train, seed } = options;
  if (settings.votes === 0 || !isGrounded(task.name)) return [];
  const videos = samples.flatMap((sample) => {
    const drawn = answers.of({ name: VOTES, style: prompt, sample });
    const duration = durationOf(sample);
    if (drawn.length === 0 || duration === undefined) return [];
    const predictions = drawn.map(({ text }) => ({ sample, text }));
    const segments = judge({ predictions, style: prompt, classes }).map(({ parsed }) => parsed.interval);
    return [{ sample, segments, duration }];
  });
  if (videos.length === 0) return [];
  const constant = constantInterval(train.filter((one) => one.task === task.name).map(({ segment }) => segment));
  return frameFigures({ videos, settings: settings.frames, constant, seed });
}

function descriptionFigures({ task, seed, train }: SectionOptions, judged: readonly JudgedPrediction[]): Figure[] {
  if (task.name !== 'reasoning') return [];
  return textFigures({
    described: judged.map(({ sample, parsed }) => ({ sample, text: parsed.answer ?? '' })),
    train: train.filter((sample) => sample.task === task.name),
    seed,
  });
}

function meanOfKnown(given: readonly Answer[], key: 'tokens' | 'seconds'): Partial<Record<typeof key, number>> {
  const known = given.flatMap((answer) => answer[key] ?? []);
  return known.length === 0 ? {} : { [key]: mean(known) };
}
