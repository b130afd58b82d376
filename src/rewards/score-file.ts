import type { TaskName } from '../config/task-names.js';
import type { LeftOut } from '../dataset/annotation.js';
import { labelsOf } from '../dataset/classes.js';
import { LeftOutRows } from '../dataset/left-out.js';
import { type DataSources, loadDataset } from '../dataset/load.js';
import type { Sample } from '../dataset/sample.js';
import { DataError } from '../system/errors.js';
import type { PromptStyle } from '../tasks/task.js';
import { readCompletions } from './completions-file.js';
import type { Rewards } from './rewards.js';
import type { RewardScores } from './scores.js';

/** A completion with its rewards, in the names of a run's `completions.jsonl`. */
export interface ScoredLine extends RewardScores {
  line: number;
  sample_id: string;
  task: TaskName;
}

interface ScoreOptions {
  /** The file of texts. */
  completions: string;
  /** Of a config. */
  data: DataSources & { prompt: PromptStyle };
  rewards: Rewards;
  /** Takes what is said of rows that cannot be used. */
  log: (message: string) => void;
}

/**
 * Scores the texts of a file. No video is looked for.
 * @throws DataError when a file cannot be used, or no line names a sample of the config.
 */
export async function scoreFile({ completions: file, data, rewards, log }: ScoreOptions): Promise<{
  scored: ScoredLine[];
  leftOut: LeftOut[];
}> {
  const { prompt: style } = data;
  const classes = labelsOf(data);
  const read = await readCompletions(file);
  const samples = await samplesById({ data, log });
  const unknown = new LeftOutRows();
  const known = read.completions.flatMap(({ line, sampleId, text, tokens }) => {
    const sample = samples.get(sampleId);
    if (sample === undefined) unknown.add({ reason: 'the config has no sample of that id', row: line });
    return sample === undefined ? [] : [{ line, sample, text, tokens }];
  });
  const scored = await Promise.all(
    known.map(async ({ line, sample, text, tokens }): Promise<ScoredLine> => {
      const [scores] = await rewards.scoreGroup([{ text, tokens, sample, style, classes }]);
      return { line, sample_id: sample.id, task: sample.task, ...scores! };
    }),
  );
  if (scored.length > 0) return { scored, leftOut: [...read.leftOut, ...unknown.list()] };
  const example = samples.keys().next().value;
  const hint = example === undefined ? 'the config names no data' : `its ids are like “${example}”`;
  const message = `${file}: no line has the id of a sample of the config (${hint}); is it the config of that run?`;
  throw new DataError({ code: 'DATA_NOTHING_USABLE', message });
}

/** All samples of a config, whatever videos there are. Where an id is in both splits, it is the same row's. */
async function samplesById({ data, log }: Pick<ScoreOptions, 'data' | 'log'>): Promise<Map<string, Sample>> {
  const withoutVideos = (split: 'train' | 'eval') => data[split].map((source) => ({ ...source, videos: undefined }));
  const sources = { ...data, train: withoutVideos('train'), eval: withoutVideos('eval') };
  const byId = new Map<string, Sample>();
  for (const split of ['eval', 'train'] as const) {
    if (sources[split].length === 0) continue;
    for (const sample of await loadDataset({ data: sources, split, log })) byId.set(sample.id, sample);
  }
  return byId;
}
