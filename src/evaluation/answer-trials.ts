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
}

/**
 * Puts questions to a model, several at a time, those of one kind together and alike in length. Which ones share a batch
 * depends on the questions alone: one that was killed half-way goes on as if nobody had.
 *
 * @throws Interrupted
 */
export async function answerTrials<P>(options: AnswerOptions<P>): Promise<void> {
  const windows = windowsOf(options);
  let done = 0;
  let pending = prepareWindow(options, windows[0]);
  for (const [i, window] of windows.entries()) {
    if (options.signal?.aborted) throw new Interrupted();
    const prepared = await pending;
    pending = prepareWindow(options, windows[i + 1]);
    await answerWindow({ ...options, prepared, onBatch: (count) => options.onProgress?.(done + count) });
    done += window.trials.length;
    options.onProgress?.(done);
  }
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

/** What of a window can be asked; nothing where all of it is answered. */
async function prepareWindow<P>(
  { answers }: AnswerOptions<P>,
  { trials, usable }: Partial<Window<P>> = {},
): Promise<Prepared<P>[]> {
  if (trials === undefined || trials.every((trial) => answers.has(trial))) return [];
  const prepared = trials.map(async (trial): Promise<Prepared<P>[]> => {
    const prompt = await usable!.prepare(trial.asked);
    if (prompt !== null) return [{ trial, prompt }];
    const reason = usable!.reasonOf(trial.asked) ?? 'nothing is left to be shown';
    await answers.add([{ ...placeOf(trial), left_out: reason }]);
    return [];
  });
  return (await Promise.all(prepared)).flat();
}

const placeOf = ({ name, style, sample }: Trial) => ({ trial: name, prompt: style, sample_id: sample.id });

async function answerWindow<P>(
  options: AnswerOptions<P> & { prepared: Prepared<P>[]; onBatch: (count: number) => void },
): Promise<void> {
  const { answerer, answers, prepared, sampling, batchSize, seed, log, onBatch, signal } = options;
  const sorted = prepared.toSorted((a, b) => answerer.length(b.prompt) - answerer.length(a.prompt));
  for (let start = 0; start < sorted.length; start += batchSize) {
    const whole = sorted.slice(start, start + batchSize);
    const missing = whole.filter(({ trial }) => !answers.has(trial));
    if (missing.length === 0) continue;
    const batch = answerer.isBatched ? whole : missing;
    if (signal?.aborted) throw new Interrupted();
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
    await answers.add(lines);
    onBatch(start + whole.length);
  }
}
