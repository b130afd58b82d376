import { mkdir } from 'node:fs/promises';
import type { Config } from '../../config/schema.js';
import type { TaskName } from '../../config/task-names.js';
import { labelsOf } from '../../dataset/classes.js';
import type { Sample } from '../../dataset/sample.js';
import { Answers } from '../../evaluation/answers.js';
import { claimFolder, evaluationFiles } from '../../evaluation/evaluation-folder.js';
import { inferenceLines } from '../../evaluation/inference.js';

import { trialsOf } from '../../evaluation/trials.js';
import { inferencePage } from '../../report/inference-page.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { once } from '../../system/once.js';
import { stopSignals } from '../../system/stop-signals.js';
import type { ClusterOptions } from '../../tensor/cluster.js';
import { isFirst } from './cluster.js';
import { cutClips } from './cut-clips.js';
import { askUnderTest, checkUnderTest, decisiveSettings } from './evaluate-model.js';
import { inFolder } from './in-folder.js';
import { listedVideos } from './listed-videos.js';
import { videoDurations } from './video-durations.js';

/** Asks a model about videos that nobody has annotated. @returns the exit code */
export async function inferCommand(args: {
  config: Config;
  videos: readonly string[];
  checkpoint?: string;
  adapter?: string;
  tasks: readonly TaskName[];
  votes: number;
  output: string;
  page?: string;
  clips?: string;
  cluster?: ClusterOptions;
}): Promise<number> {
  const { config, tasks, votes, output, page, clips } = args;
  const { finish: signal } = stopSignals();
  const say = (text: string) => void (isFirst(args.cluster) && process.stderr.write(`${text}\n`));
  const warn = once((message) => say(`warning: ${message}`));
  await checkUnderTest(args);
  const files = await listedVideos(args.videos, warn);
  const samples = samplesOf(files, tasks);
  const style = config.data.prompt;
  const settings = { prompts: [style], option_orders: 1, votes, views: [] };
  const trials = trialsOf({ samples, settings, seed: config.seed });
  const asking = { ...args, trials, label: 'answering', warn, say, signal };
  if (!isFirst(args.cluster)) {
    await askUnderTest({ ...asking, answers: Answers.inMemory() });
    return 0;
  }
  // What is answered so far lies beside the file of answers, which is written when it is whole.
  const folder = `${output}.work`;
  await mkdir(folder, { recursive: true });
  await claimFolder(folder, await decisiveSettings({ ...args, samples }));
  const task = async (answers: Answers) => {
    const known = trials.filter((trial) => answers.has(trial)).length;
    if (known > 0) say(`${known} of ${trials.length} answers are there already`);
    if (known < trials.length || args.cluster !== undefined) await askUnderTest({ ...asking, answers });
    const durations = await videoDurations({ samples, answers, settings, folder, bounds: config.data.video, warn });
    const lines = inferenceLines({
      files,
      samples,
      answers,
      style,
      classes: labelsOf(config.data),
      durationOf: ({ id }) => durations.get(id),
      frames: config.evaluation.frames,
    });
    await writeAtomically({ file: output, text: lines.map((line) => `${JSON.stringify(line)}\n`).join('') });
    say(`${output}: ${lines.length} videos`);
    if (page !== undefined) {
      await writeAtomically({ file: page, text: await inferencePage({ lines, video: config.data.video, warn }) });
      say(`${page}: open it in a browser`);
    }
    if (clips !== undefined) await cutClips({ lines, folder: clips, say, warn });
    return 0;
  };
  return inFolder({ folder, open: () => Answers.open(evaluationFiles(folder).answers), task });
}

/** A question of each task about each video, of which nothing is known. */
const samplesOf = (files: readonly string[], tasks: readonly TaskName[]): Sample[] =>
  tasks.flatMap((task) =>
    files.map(
      (file): Sample => ({
        id: `${file}:${task}`,
        task,
        visuals: [{ kind: 'video', file }],
        segment: { kind: 'unknown' },
      }),
    ),
  );
