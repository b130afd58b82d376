import { DataError } from '../errors.js';
import type { LeftOut } from './annotation.js';
import { VAU_BENCH_CLASSES } from './classes.js';
import { describeLeftOut } from './left-out.js';
import { readAnnotations, type SourceFormat } from './read.js';
import type { Sample, TaskName } from './sample.js';
import { selectSamples } from './samples.js';
import { asNamed, indexVideos } from './videos.js';

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
}

/**
 * The samples of one source. A row that cannot be used is left out and counted.
 * @throws DataError when the file or the folder as a whole cannot be used.
 */
export async function loadSamples({
  source,
  annotations: file,
  videos,
  task,
  classes = VAU_BENCH_CLASSES,
}: SampleSource & { classes?: readonly string[] }): Promise<LoadedSamples> {
  const annotations = await readAnnotations({ source, file, classes });
  const locate = videos === undefined ? asNamed : await indexVideos(videos);
  const { samples, leftOut } = selectSamples({ annotations, task, locate });
  return { samples, rows: annotations.rows, leftOut: [...annotations.leftOut, ...leftOut] };
}

interface DatasetOptions {
  sources: readonly SampleSource[];
  classes?: readonly string[];
  /** Takes one sentence for each reason that rows were left out for. */
  log: (message: string) => void;
}

/**
 * The samples of several sources, one after the other, with ids that differ.
 * @throws DataError when a file or folder cannot be used, or when no sample is left.
 */
export async function loadDataset({ sources, classes, log }: DatasetOptions): Promise<Sample[]> {
  if (sources.length === 0) {
    const message = 'no source of samples is named; give the config at least one in data.train';
    throw new DataError({ code: 'DATA_NOTHING_USABLE', message });
  }
  const samples: Sample[] = [];
  for (const source of sources) {
    const loaded = await loadSamples({ ...source, classes });
    for (const message of describeLeftOut({ file: source.annotations, leftOut: loaded.leftOut })) log(message);
    samples.push(...loaded.samples);
  }
  if (samples.length === 0) {
    const files = sources.map(({ annotations }) => annotations).join(', ');
    const message = `no sample can be used of ${files}; see the reasons above, or run: vau-rft dataset check`;
    throw new DataError({ code: 'DATA_NOTHING_USABLE', message });
  }
  return withDistinctIds(samples);
}

/** Two sources may have files of one name: the second sample with an id gets `#2`, and so on. */
function withDistinctIds(samples: Sample[]): Sample[] {
  const seen = new Map<string, number>();
  return samples.map((sample) => {
    const times = (seen.get(sample.id) ?? 0) + 1;
    seen.set(sample.id, times);
    return times === 1 ? sample : { ...sample, id: `${sample.id}#${times}` };
  });
}
