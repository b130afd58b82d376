import path from 'node:path';
import type { TaskName } from '../config/task-names.js';
import { loadSamples } from '../dataset/load.js';
import type { SourceFormat } from '../dataset/read.js';
import { formatOf } from '../dataset/read.js';
import type { Sample } from '../dataset/sample.js';
import { SOURCES, sourceOfPath } from '../dataset/videos.js';
import { TASKS } from '../tasks/index.js';
import { judge } from '../tasks/judge.js';
import type { Task } from '../tasks/task.js';
import { expectedCompletion } from '../tasks/words.js';
import { byVideo } from './by-video.js';
import { type Figure, measureFigures } from './figures.js';

/** What can be had of a file without seeing a video. */
export interface BlindTable {
  file: string;
  task: TaskName;
  samples: number;
  videos: number;
  /** Rows that the guessers have read, and of which source, where only that one's were read. */
  train: { samples: number; source?: string };
  guessers: { name: string; figures: Figure[] }[];
}

interface BlindReportOptions {
  files: readonly string[];
  /** What guessers read. Left out: the file itself. */
  train: readonly string[];
  source?: SourceFormat;
  classes: readonly string[];
  seed: number;
}

/**
 * What guessers get on annotation files who have read others and see no video. Where the training files have rows of the
 * same source (VAU-Bench's prefixes), these are what they go by.
 *
 * @throws DataError when a file cannot be used
 */
export async function blindReport(options: BlindReportOptions): Promise<BlindTable[]> {
  const { files, train, classes, seed } = options;
  const load = async (file: string, task: TaskName) =>
    (await loadSamples({ source: options.source ?? formatOf(file), annotations: file, task, classes })).samples;
  const tables: BlindTable[] = [];
  for (const file of files)
    for (const task of TASKS) {
      if (task.guessers === undefined) continue;
      const held = await load(file, task.name);
      if (held.length === 0) continue;
      const read = train.length === 0 ? held : (await Promise.all(train.map((one) => load(one, task.name)))).flat();
      const learned = ofSource(task, read, sourceNamed(file));
      const measures = task.measures(held);
      const guessers = task.guessers(learned.samples).map(({ name, guess }) => {
        const predictions = held.map((sample) => ({
          sample,
          text: expectedCompletion({ sample: { ...sample, ...guess(sample) }, style: 'direct' }),
        }));
        const judged = judge({ predictions, style: 'direct', classes });
        return { name, figures: measureFigures({ judged, measures, seed }) };
      });
      tables.push({
        file,
        task: task.name,
        samples: held.length,
        videos: byVideo(held.map((sample) => ({ sample }))).length,
        train: { ...learned, samples: learned.samples.length },
        guessers,
      });
    }
  return tables;
}

/** The source of VAU-Bench that an annotation file's name holds: `test_msad.csv`. */
const sourceNamed = (file: string): string | undefined =>
  SOURCES.find((source) => path.parse(file).name.toLowerCase().includes(source));

/** Samples of a source, if all that guesses is learned from them; else all. */
function ofSource(task: Task, samples: readonly Sample[], source: string | undefined) {
  const own = samples.filter(({ visuals }) => sourceOfPath(visuals[0]?.file ?? '') === source);
  const learn = (from: readonly Sample[]) => task.guessers!(from).length;
  const isEnough =
    source !== undefined && own.length > 0 && own.length < samples.length && learn(own) === learn(samples);
  return isEnough ? { samples: own, source } : { samples };
}
