import type { Sample } from '../dataset/sample.js';
import { withShuffledOptions } from '../dataset/shuffle-options.js';
import { onlyVideo } from '../dataset/visual.js';
import { type FrameChange, grey, shuffled } from '../prompt/frame-changes.js';
import { permutation, textKey } from '../system/random.js';
import { isGrounded } from '../tasks/named.js';
import type { PromptStyle } from '../tasks/task.js';

/** What a video is shown as in place of itself, to see what an answer owes to it. */
export const VIEWS = ['grey', 'shuffled', 'other'] as const;
export type View = (typeof VIEWS)[number];

/** A question that is put to the model under test. */
export interface Trial {
  /** `answer`; `options-2` …: the options in another order; `votes`: several are drawn; a view's name. */
  name: string;
  style: PromptStyle;
  /** As annotated. */
  sample: Sample;
  /** As asked. */
  asked: Sample;
  change?: FrameChange;
  /** Answers that are drawn; 0: the likeliest one. */
  draws: number;
}

/** What an evaluation asks beside each sample's plain question; names are those of the config's `evaluation`. */
export interface TrialSettings {
  prompts: readonly PromptStyle[];
  option_orders: number;
  votes: number;
  views: readonly View[];
}

/** All that is asked, kind by kind: a function of samples, settings and seed. */
export function trialsOf({
  samples,
  settings,
  seed,
}: {
  samples: readonly Sample[];
  settings: TrialSettings;
  seed: number;
}): Trial[] {
  const plain = (name: string) => samples.map((sample) => ({ name, sample, asked: sample, draws: 0 }));
  const orders = Array.from({ length: settings.option_orders - 1 }, (_, i) => i + 2).flatMap((order) =>
    plain(optionTrial(order))
      .filter(({ sample }) => sample.options !== undefined)
      .map((trial) => ({ ...trial, asked: inOrder(trial.sample, { order, seed }) })),
  );
  const votes = settings.votes === 0 ? [] : plain(VOTES).filter(({ sample }) => isGrounded(sample.task));
  const views = settings.views.flatMap((view) => viewTrials({ view, samples, seed }));
  const all: Unstyled[] = [
    ...plain(ANSWER),
    ...orders,
    ...votes.map((trial) => ({ ...trial, draws: settings.votes })),
    ...views,
  ];
  return settings.prompts.flatMap((style) => all.map((trial) => ({ ...trial, style })));
}

/** A question that may be asked with any prompt. */
type Unstyled = Omit<Trial, 'style'>;

export const ANSWER = 'answer';
export const VOTES = 'votes';
/** The first order is the annotated one. */
export const optionTrial = (order: number) => (order === 1 ? ANSWER : `options-${order}`);

export const inOrder = (sample: Sample, { order, seed }: { order: number; seed: number }): Sample =>
  order === 1 ? sample : withShuffledOptions(sample, seed, order);

function viewTrials({ view, samples, seed }: { view: View; samples: readonly Sample[]; seed: number }): Unstyled[] {
  const seen = samples.filter(({ visuals }) => onlyVideo(visuals) !== undefined);
  if (view !== 'other')
    return seen.map((sample) => {
      const change = view === 'grey' ? grey : shuffled({ key: `${seed}:${sample.id}` });
      return { name: view, sample, asked: sample, draws: 0, change };
    });
  const others = anotherVideo(seen, seed);
  return seen.flatMap((sample) => {
    const visuals = others.get(sample.visuals[0]!.file);
    // Its times are of another video: it is asked as if nobody knew them.
    const asked: Sample = { ...sample, visuals: visuals!, segment: { kind: 'unknown' } };
    return visuals === undefined ? [] : [{ name: view, sample, asked, draws: 0 }];
  });
}

/** For each video another one of the samples; none where there is only one. */
function anotherVideo(samples: readonly Sample[], seed: number): Map<string, Sample['visuals']> {
  const videos = [...new Map(samples.map(({ visuals }) => [visuals[0]!.file, visuals])).entries()];
  if (videos.length < 2) return new Map();
  const order = permutation(videos.length, seed, textKey('other'));
  // Each takes the one after it in a random circle.
  return new Map([...order].map((from, i) => [videos[from]![0], videos[order[(i + 1) % order.length]!]![1]] as const));
}

/** Names a trial within an evaluation. */
export const trialKey = ({ name, style, sample }: Pick<Trial, 'name' | 'style' | 'sample'>): string =>
  JSON.stringify([style, name, sample.id]);
