import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config/schema.js';
import { loadDataset } from '../../dataset/load.js';
import { evaluateHeldOut, type HeldOutResult, heldOutSamples } from '../../evaluation/held-out.js';
import { flatMetrics } from '../../evaluation/summary.js';
import { promptMaker } from '../../prompt/sample-prompt.js';
import { describeLeftOutSamples, leftOutReasons } from '../../prompt/usable-samples.js';
import { Rewards } from '../../rewards/rewards.js';
import { localEngine } from '../../rollout/engines/local.js';
import { createProgress } from '../../run/progress.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { DataError } from '../../system/errors.js';
import { Interrupted } from '../../system/interrupted.js';
import { once } from '../../system/once.js';
import { stopSignals } from '../../system/stop-signals.js';
import { table } from '../../system/table.js';
import { startRuntime } from '../../tensor/runtime.js';
import { openCheckpoint } from '../../trainer/checkpoint.js';
import { openModels } from '../../trainer/models.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { openFrameCache } from '../../video/frame-cache.js';
import { bringModel } from './model.js';
import { INTERRUPTED_CODE } from './supervise.js';

/** Measures a model on held-out data. @returns the exit code */
export async function evaluateCommand(args: {
  config: Config;
  checkpoint?: string;
  predictions?: string;
  json: boolean;
}): Promise<number> {
  const { config, checkpoint, json } = args;
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const warn = once((message) => say(`warning: ${message}`));
  // The process that watches over this one ends it where it has to leave at once.
  const { finish: signal } = stopSignals();
  if (config.data.eval.length === 0) {
    const message = 'the config names no held-out data; give it data.eval';
    throw new DataError({ code: 'DATA_NOTHING_HELD_OUT', message });
  }
  if (checkpoint !== undefined) await openCheckpoint(checkpoint);
  // Not only after an hour's work does it turn out that there is no such folder.
  if (args.predictions !== undefined) await mkdir(path.dirname(args.predictions), { recursive: true });
  await startRuntime({ report: say });
  await ensureFfmpeg({ report: say });
  await bringModel(config.model.path);
  const samples = await heldOutSamples({ config, warn });
  // The guessers learn from the training annotations, or from the held-out ones where there are no others.
  const { data } = config;
  const train = data.train.length === 0 ? samples : await loadDataset({ data, split: 'train', log: warn });
  const rewards = await Rewards.open({ terms: config.rewards, rollout: config.rollout, signal });
  const models = await openModels({ config, withReference: false, checkpoint });
  const cache = openFrameCache({ report: warn });
  const progress = createProgress();
  progress.start(samples.length, 'evaluating');
  try {
    const result = await evaluateHeldOut({
      config,
      answerer: { engine: localEngine(models), processor: models.processor },
      samples,
      train,
      prepare: promptMaker({ processor: models.processor, settings: config.data, cache, warn }),
      rewards,
      warn,
      onProgress: (done) => {
        models.trim();
        progress.update(done);
      },
      signal,
    });
    progress.stop();
    const { predictions, blind, leftOut } = result;
    if (predictions.length === 0) {
      const message = `not one of the ${samples.length} held-out samples can be used (${leftOutReasons(leftOut)}); see the warnings above`;
      throw new DataError({ code: 'DATA_NOTHING_READABLE', message });
    }
    const record = { metrics: flatMetrics(result), blind, left_out: leftOut };
    process.stdout.write(json ? `${JSON.stringify(record)}\n` : evaluationText(result));
    if (args.predictions !== undefined) {
      const lines = predictions.map(({ sample, text }) => `${JSON.stringify({ sample_id: sample.id, text })}\n`);
      await writeAtomically({ file: args.predictions, text: lines.join('') });
    }
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return INTERRUPTED_CODE;
    throw error;
  } finally {
    progress.stop();
    models.dispose();
    await rewards.close();
  }
}

function evaluationText({ evaluations, blind, leftOut }: HeldOutResult): string {
  const percent = (value: number) => (100 * value).toFixed(1);
  const range = ({ low, high }: { low: number; high: number }) => `${percent(low)}–${percent(high)}`;
  const rows = evaluations.map(({ task, count, headline, metrics }) => {
    const baseline = blind.find((one) => one.task === task);
    return [
      task,
      String(count),
      headline ? headline.name : '',
      headline ? percent(headline.value) : '',
      headline ? range(headline) : '',
      baseline ? percent(baseline.value) : '',
      baseline?.name ?? '',
      percent(metrics.format ?? 0),
      (metrics.reward ?? 0).toFixed(3),
    ];
  });
  const titles = ['task', 'samples', 'metric', '%', '95 % interval', 'blind %', 'blind guesser', 'format %', 'reward'];
  const isText = new Set(['task', 'metric', 'blind guesser']);
  const columns = titles.map((title) => ({ title, align: isText.has(title) ? ('left' as const) : ('right' as const) }));
  const unused = describeLeftOutSamples(leftOut);
  return `${table({ columns, rows })}${unused === undefined ? '' : `${unused}\n`}`;
}
