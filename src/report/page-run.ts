import path from 'node:path';
import { loadConfig } from '../config/load.js';
import { termName } from '../config/rewards.js';
import type { Config } from '../config/schema.js';
import type { VisualFile } from '../dataset/visual.js';
import { recordsByStep } from '../run/jsonl.js';
import { holdsRun, runFiles } from '../run/run-folder.js';
import { UsageError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';
import { advise } from '../trainer/advice.js';
import type { Metrics } from '../trainer/metrics.js';
import { curvesOf } from './curves.js';
import { groupReader } from './groups.js';
import type { PageRun } from './page-data.js';

/**
 * All that a page shows of a run, and the videos that its groups are about.
 *
 * @param room characters that its groups may take
 * @throws {UsageError} `REPORT_NO_RUN` where the folder holds none
 */
export async function readPageRun(args: {
  folder: string;
  room: number;
  warn: (message: string) => void;
}): Promise<{ run: PageRun; videos: Map<string, VisualFile>; bounds: Config['data']['video'] }> {
  const { folder, room, warn } = args;
  const files = runFiles(folder);
  if (!(await holdsRun(folder)) || !(await fileExists(files.config))) {
    const message = `${folder} holds no run that has made a step; name the folder of a run (output_dir) or of an ablation`;
    throw new UsageError({ code: 'REPORT_NO_RUN', message });
  }
  const config = await loadConfig({ file: files.config });
  const metrics = [...(await recordsByStep(files.metrics)).values()] as Metrics[];
  const evaluations = [...(await recordsByStep(files.evaluations)).values()];
  const curves = curvesOf(metrics);
  const { groups, videos, note } = await (await groupReader({ config, warn })).read({ file: files.completions, room });
  const thinned =
    curves.every === 1 ? [] : [`each point of a curve is the mean of ${curves.every} steps, of ${metrics.length}`];
  const run: PageRun = {
    name: config.name,
    folder: path.basename(folder),
    method: config.method,
    steps: metrics.at(-1)?.step ?? 0,
    maxSteps: config.training.max_steps,
    isFinished: await fileExists(files.finished),
    facts: factsOf(config),
    curves,
    evaluations,
    advice: advise({ config, metrics, evaluations }),
    groups,
    notes: [...thinned, ...(note === undefined ? [] : [note])],
  };
  return { run, videos, bounds: config.data.video };
}

function factsOf(config: Config): [string, string][] {
  const { model, method, training, rollout, grpo, rewards, data, seed } = config;
  const trained = model.lora === undefined ? 'all weights' : `LoRA, r = ${model.lora.r}`;
  return [
    ['model', `${path.basename(model.path)} (${trained})`],
    ['data', data.train.map(({ annotations }) => path.basename(annotations)).join(', ')],
    [
      'step',
      `${training.prompts_per_step} prompts${method === 'sft' ? '' : ` × ${rollout.num_generations} completions`}`,
    ],
    ['learning rate', `${training.learning_rate}, ${training.lr_scheduler_type}`],
    ...(method === 'sft'
      ? []
      : ([
          ['loss', `${grpo.loss_type}, beta ${grpo.beta}`],
          ['rewards', rewards.map((term) => `${term.weight} × ${termName(term)}`).join(' + ')],
        ] as [string, string][])),
    ['seed', String(seed)],
  ];
}
