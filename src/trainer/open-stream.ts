import type { Config } from '../config/schema.js';
import { Curriculum, type CurriculumState } from '../dataset/curriculum.js';
import { mixedOrder } from '../dataset/mix.js';
import { dataOrder, type OrderEntry } from '../dataset/order.js';
import type { Sample } from '../dataset/sample.js';
import { withShuffledOptions } from '../dataset/shuffle-options.js';
import { DataStream } from './data-stream.js';

/** The order of the training samples: all sources as one, or by their weights. */
export function trainingOrder(config: Pick<Config, 'seed' | 'data'>, counts: readonly number[]): Order {
  const weights = config.data.train.map(({ weight }) => weight);
  const count = counts.reduce((sum, n) => sum + n, 0);
  if (weights.every((weight) => weight === undefined)) return dataOrder({ seed: config.seed, count });
  return mixedOrder({ seed: config.seed, parts: counts.map((n, s) => ({ count: n, weight: weights[s] ?? 1 })) });
}

type Order = (position: number) => OrderEntry;

/** The stream of a run's training samples, as its config wants them. @param sources the samples of each of `data.train` */
export function openStream(
  args: Omit<ConstructorParameters<typeof DataStream>[0], 'samples' | 'order' | 'vary' | 'curriculum'> & {
    config: Config;
    sources: readonly Sample[][];
    curriculum: CurriculumState | undefined;
  },
): DataStream {
  const { config, sources, curriculum: state, ...rest } = args;
  const { curriculum: options, shuffle_options } = config.data;
  return new DataStream({
    ...rest,
    samples: sources.flat(),
    order: trainingOrder(
      config,
      sources.map(({ length }) => length),
    ),
    vary: shuffle_options ? (sample, epoch) => withShuffledOptions(sample, config.seed, epoch) : undefined,
    curriculum: options && new Curriculum({ options, state }),
  });
}
