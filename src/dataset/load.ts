import type { TaskName } from '../config/task-names.js';
import { DataError } from '../system/errors.js';
import type { LeftOut } from './annotation.js';
import { labelsOf } from './classes.js';
import { type SampleId, sampleIds } from './ids.js';
import { describeLeftOut, describeUnused } from './left-out.js';
import { readAnnotations, type SourceFormat } from './read.js';
import type { Sample } from './sample.js';
import { selectSamples } from './samples.js';
import { indexVideos, type Locate } from './videos.js';

/** A source of samples, as a config names it. */
export interface SampleSource {
  source: SourceFormat;
  /** The annotation file. */
  annotations: string;
  /** The folder of the videos. Left out: samples keep the annotated names, and no video is looked for. */
  videos?: string;
  /** Left out: every row serves its own task, or qa, tag and cls as far as it has what they need. */
  task?: TaskName;
}

export interface LoadedSamples {
  samples: Sample[];
  /** Rows of the file. */
  rows: number;
  leftOut: LeftOut[];
  /** What rows hold beside and nobody uses. */
  unused: LeftOut[];
  /** A sentence for each folder of videos that cannot be read. */
  passedOver: string[];
}

/**
 * The samples of one source. A row that cannot be used is left out and counted.
 *
 * @param idOf left out: as if it were the run's only source
 * @throws DataError when the file or the folder as a whole cannot be used.
 */
export async function loadSamples({
  classes,
  idOf,
  ...source
}: SampleSource & { classes?: readonly string[]; idOf?: SampleId }): Promise<LoadedSamples> {
  const { annotations: file, videos, task } = source;
  const annotations = await readAnnotations({ source: source.source, file, classes: labelsOf({ classes }) });
  const passedOver: string[] = [];
  const warn = (message: string) => void passedOver.push(message);
  const locate = videos === undefined ? asItIs : await indexVideos({ folder: videos, warn });
  const ids = idOf ?? sampleIds({ sources: [source] })[0]!;
  const selected = selectSamples({ annotations, task, locate, idOf: ids });
  return {
    samples: selected.samples,
    rows: annotations.rows,
    leftOut: [...annotations.leftOut, ...selected.leftOut],
    unused: [...annotations.unused, ...selected.unused],
    passedOver,
  };
}

const asItIs: Locate = ({ name }) => ({ path: name });

/** The sources of a run: a config's `data`. */
export interface DataSources {
  train: readonly SampleSource[];
  eval: readonly SampleSource[];
  classes?: readonly string[];
}

interface DatasetOptions {
  data: DataSources;
  /** Which of its sources. */
  split: 'train' | 'eval';
  /** Takes one sentence for each reason that rows were left out for, and for each thing in them that nobody uses. */
  log: (message: string) => void;
}

/**
 * The samples of a run's training or held-out sources, one source after the other. Ids are unique in the run; a row
 * that both splits name has the same in both.
 * @throws DataError when a file or folder cannot be used, or when no sample is left.
 */
export const loadDataset = async (options: DatasetOptions): Promise<Sample[]> => (await loadSources(options)).flat();

/** The same, source by source. */
export async function loadSources({ data, split, log }: DatasetOptions): Promise<Sample[][]> {
  const sources = data[split];
  if (sources.length === 0) {
    const message = `no source of samples is named; give the config at least one in data.${split}`;
    throw new DataError({ code: 'DATA_NOTHING_USABLE', message });
  }
  const ids = sampleIds({ sources, others: split === 'train' ? data.eval : data.train });
  const bySource: Sample[][] = [];
  for (const [i, source] of sources.entries()) {
    const loaded = await loadSamples({ ...source, classes: data.classes, idOf: ids[i] });
    const file = source.annotations;
    loaded.passedOver.forEach(log);
    for (const message of describeLeftOut({ file, ...loaded })) log(message);
    for (const message of describeUnused({ file, ...loaded })) log(message);
    bySource.push(loaded.samples);
  }
  if (bySource.flat().length === 0) {
    const files = sources.map(({ annotations }) => annotations).join(', ');
    const message = `no sample can be used of ${files}; see the reasons above, or run: vau-rft dataset check`;
    throw new DataError({ code: 'DATA_NOTHING_USABLE', message });
  }
  return bySource;
}
