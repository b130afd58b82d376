import { anyOf, fromFirst, gatherJson } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import { single } from '../parallel/single.js';
import { UsableSamples } from '../prompt/usable-samples.js';
import { GREEDY, type Sampling } from '../rollout/completion.js';
import { groupBy } from '../system/group-by.js';
import { Interrupted } from '../system/interrupted.js';
import { textKey, uniform } from '../system/random.js';
import type { Answerer } from './answerer.js';
import type { AnswerLine, Answers } from './answers.js';
import type { Trial } from './trials.js';

/** Batches whose questions are sorted by their length together: as many are held ready besides, with their frames. */
const WINDOW = 2;

interface AnswerOptions<P> {
  answerer: Answerer<P>;
  trials: readonly Trial[];
  /** Takes what is answered; what is in it is not asked again. */
  answers: Answers;
  /** Of answers that are drawn; the others are the likeliest. */
  sampling: Sampling;
  batchSize: number;
  seed: number;
  /** Takes a sentence for each sample that is left out. */
  log: (message: string) => void;
  /** After each batch. */
  onProgress?: (done: number) => void;
  /** Ends the job between two batches. */
  signal?: AbortSignal;
  /** Processes that share the questions, each with its own call; all get all answers. Left out: this one alone. */
  group?: ProcessGroup;
}

/**
 * Puts questions to a model, several at a time, those of one kind together and alike in length. Which ones share a batch
 * depends on the questions alone: one that was killed half-way goes on as if nobody had, and several processes give the
 * answers of one.
 *
 * @throws Interrupted in all processes, where one is asked to stop
 */
export async function answerTrials<P>(options: AnswerOptions<P>): Promise<void> {
  const { answers, group = single, signal, onProgress } = options;
  const { rank, size } = group;
  const known = size > 1 ? await fromFirst(group, answers.lines()) : [];
  if (rank > 0) await answers.add(known);
  const windows = windowsOf(options);
  let done = 0;
  let isStopped = false;
  let pending = prepareWindow(options, windows[rank]);
  for (let first = 0; first < windows.length; first += size) {
    if (await anyOf(group, signal?.aborted ?? false)) throw new Interrupted();
    const prepared = await pending;
    pending = prepareWindow(options, windows[first + size + rank]);
    const own: AnswerLine[] = [];
    const keep = async (lines: AnswerLine[]) => {
      // What others are still to hear of is not counted before.
      if (size === 1) await answers.add(lines);
      else own.push(...lines);
    };
    await keep(prepared.leftOut);
    const onBatch = (count: number) => onProgress?.(done + count);
    isStopped = !(await answerWindow({ ...options, prepared: prepared.usable, keep, onBatch }));
    if (size > 1) await answers.add((await gatherJson(group, own)).flat());
    done += windows.slice(first, first + size).reduce((sum, { trials }) => sum + trials.length, 0);
    onProgress?.(done);
  }
  if (await anyOf(group, isStopped)) throw new Interrupted();
}

/** Questions of one kind that are sorted together. */
interface Window<P> {
  trials: readonly Trial[];
  /** Prepares any of the kind, by the sample that is asked. */
  usable: UsableSamples<P | null>;
}

function windowsOf<P>({ answerer, trials, batchSize, log }: AnswerOptions<P>): Window<P>[] {
  const kinds = groupBy(trials, ({ name, style }) => `${style} ${name}`);
  const size = WINDOW * batchSize;
  return [...kinds.values()].flatMap((kind) => {
    const bySample = new Map(kind.map((trial) => [trial.asked, trial]));
    const usable = new UsableSamples({ prepare: (asked) => answerer.prepare(bySample.get(asked)!), log });
    return Array.from({ length: Math.ceil(kind.length / size) }, (_, i) => ({
      trials: kind.slice(i * size, (i + 1) * size),
      usable,
    }));
  });
}

type Prepared<P> = { trial: Trial; prompt: P };

/** What of a window can be asked, and why the rest cannot; nothing where all of it is answered. */
async function prepareWindow<P>(
  { answers }: AnswerOptions<P>,
  { trials, usable }: Partial<Window<P>> = {},
): Promise<{ usable: Prepared<P>[]; leftOut: AnswerLine[] }> {
  if (trials === undefined || trials.every((trial) => answers.has(trial))) return { usable: [], leftOut: [] };
  const leftOut: AnswerLine[] = [];
  const prepared = trials.map(async (trial): Promise<Prepared<P>[]> => {
    const prompt = await usable!.prepare(trial.asked);
    if (prompt !== null) return [{ trial, prompt }];
    const reason = usable!.reasonOf(trial.asked) ?? 'nothing is left to be shown';
    // Of a window that was begun before it is written down already.
    if (answers.leftOut(trial) !== reason) leftOut.push({ ...placeOf(trial), left_out: reason });
    return [];
  });
  return { usable: (await Promise.all(prepared)).flat(), leftOut };
}

const placeOf = ({ name, style, sample }: Trial) => ({ trial: name, prompt: style, sample_id: sample.id });

/** @returns false where it was stopped: what is done is kept */
async function answerWindow<P>(
  options: AnswerOptions<P> & {
    prepared: Prepared<P>[];
    keep: (lines: AnswerLine[]) => Promise<void>;
    onBatch: (count: number) => void;
  },
): Promise<boolean> {
  const { answerer, answers, prepared, sampling, batchSize, seed, log, keep, onBatch, signal } = options;
  const sorted = prepared.toSorted((a, b) => answerer.length(b.prompt) - answerer.length(a.prompt));
  for (let start = 0; start < sorted.length; start += batchSize) {
    const whole = sorted.slice(start, start + batchSize);
    const missing = whole.filter(({ trial }) => !answers.has(trial));
    if (missing.length === 0) continue;
    const batch = answerer.isBatched ? whole : missing;
    // Whoever asked waits for all to come to the end of the window.
    if (signal?.aborted) return false;
    const began = performance.now();
    const { draws } = batch[0]!.trial;
    const keys = batch.map(({ trial }) => [textKey(trial.name), textKey(trial.sample.id)] as const);
    let reason = 'no answer';
    const made = await answerer.answer({
      prepared: batch.map(({ prompt }) => prompt),
      numGenerations: Math.max(1, draws),
      sampling: draws === 0 ? { ...sampling, ...GREEDY } : sampling,
      uniform: (b, generation, token) => uniform(seed, ...keys[b]!, generation, token),
      failed: (why) => {
        reason = why;
        log(why);
      },
    });
    const count = made.flat().filter((one) => one !== null).length;
    const seconds = Number(((performance.now() - began) / 1000 / Math.max(1, count)).toPrecision(4));
    const lines = batch.flatMap(({ trial }, b) =>
      made[b]!.map((one, generation): AnswerLine => {
        const place = placeOf(trial);
        return one === null ? { ...place, left_out: reason } : { ...place, generation, ...one, seconds };
      }),
    );
    await keep(lines);
    onBatch(start + whole.length);
  }
  return true;
}
