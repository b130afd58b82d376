import pLimit from 'p-limit';
import type { Sample } from '../../dataset/sample.js';
import { partLength } from '../../dataset/visual.js';
import type { Answers } from '../../evaluation/answers.js';
import { evaluationFiles, readJson } from '../../evaluation/evaluation-folder.js';
import { type TrialSettings, VOTES } from '../../evaluation/trials.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { usableCpus } from '../../system/cpus.js';
import type { VideoBounds } from '../../video/bounds.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { videoLength } from '../../video/video-length.js';

/**
 * How long the videos are whose frames are voted on, in seconds, by the sample’s id. It is kept with the answers: a report can be
 * made again where the videos are not.
 */
export async function videoDurations(args: {
  samples: readonly Sample[];
  answers: Answers;
  settings: TrialSettings;
  /** Of the evaluation, where there is one. */
  folder: string | undefined;
  bounds: Partial<VideoBounds>;
  warn: (message: string) => void;
}): Promise<Map<string, number>> {
  const { samples, answers, settings, folder, bounds, warn } = args;
  if (settings.votes === 0) return new Map();
  const voted = samples.filter((sample) =>
    settings.prompts.some((style) => answers.of({ name: VOTES, style, sample }).length > 0),
  );
  const kept = folder === undefined ? {} : ((await readJson(evaluationFiles(folder).durations)) ?? {});
  const known = new Map(Object.entries(kept) as [string, number][]);
  const missing = voted.filter(({ id }) => !known.has(id));
  if (missing.length === 0) return known;
  await ensureFfmpeg({ report: warn });
  const limit = pLimit(usableCpus());
  const look = async ({ id, visuals }: Sample) => {
    try {
      const { file, part } = visuals[0]!;
      known.set(id, partLength((await videoLength({ file, bounds })).duration, part));
    } catch (error) {
      warn(`its frames are not scored: ${(error as Error).message}`);
    }
  };
  await Promise.all(missing.map((sample) => limit(() => look(sample))));
  if (folder !== undefined) {
    const sorted = Object.fromEntries([...known].sort(([a], [b]) => (a < b ? -1 : 1)));
    await writeAtomically({ file: evaluationFiles(folder).durations, text: `${JSON.stringify(sorted, null, 2)}\n` });
  }
  return known;
}
