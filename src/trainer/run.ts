import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import { configDigest } from '../config/text.js';
import { labelsOf } from '../dataset/classes.js';
import { loadDataset } from '../dataset/load.js';
import { RunError } from '../errors.js';
import { evaluateHeldOut, heldOutSamples } from '../evaluation/held-out.js';
import { Interrupted } from '../evaluation/predict.js';
import { flatMetrics } from '../evaluation/summary.js';
import { promptMaker } from '../prompt/sample-prompt.js';
import { describeLeftOutSamples } from '../prompt/usable-samples.js';
import { writeAtomically } from '../report/atomic-write.js';
import { once } from '../report/once.js';
import type { Profile } from '../report/profile.js';
import type { Progress } from '../report/progress.js';
import type { RunFolder } from '../report/run-folder.js';
import { activeBackend } from '../tensor/runtime.js';
import { openFrameCache } from '../video/frame-cache.js';
import { type Checkpoint, removeAfter, writeCheckpoint } from './checkpoint.js';
import type { StepContext, StepFunction } from './context.js';
import { DataStream } from './data-stream.js';
import { type Metrics, Stopwatch } from './metrics.js';
import { openModels } from './models.js';
import { AdamW } from './optimizer.js';
import { RunRecords } from './run-records.js';
import { learningRate } from './schedule.js';
import { sftStep } from './sft-step.js';
import { grpoStep } from './step.js';
import { restoreOptimizer, saveTraining } from './training-files.js';

const METHODS: Record<Config['method'], StepFunction> = { grpo: grpoStep, sft: sftStep };

/** How a run ended: `restart` wants to be resumed by a new process. */
export type RunEnd = 'done' | 'interrupted' | 'restart';

/**
 * TensorFlow's addon numbers handles with 32 bits; past 2³¹ numbers would be used twice. A run saves and asks for a new
 * process well before (after about a day of small steps).
 */
export const HANDLE_LIMIT = 1.8e9;

export interface RunOptions {
  config: Config;
  folder: RunFolder;
  /** Where to go on; null for a fresh run. */
  checkpoint: Checkpoint | null;
  log: Logger;
  progress: Progress;
  /** Aborted: finish the step, save, leave. */
  signal: AbortSignal;
  handleLimit?: number;
  /** Takes the times of the run's first steps. */
  profile?: Profile;
}

/** Trains as the config says, from the start or from a checkpoint, to the end or to an interruption. */
export async function run(options: RunOptions): Promise<RunEnd> {
  const { config, folder, checkpoint, log, progress, signal, handleLimit = HANDLE_LIMIT, profile } = options;
  const { training } = config;
  const state = checkpoint?.state;
  const start = state?.step ?? 0;

  const classes = labelsOf(config.data);
  const warn = once((message) => log.warn(message));
  const samples = await loadDataset({ data: config.data, split: 'train', log: warn });
  const held = await heldOutSamples({ config, warn });
  const models = await openModels({ config, checkpoint: checkpoint?.folder });
  const optimizer = new AdamW({ parameters: models.policy.parameters, options: training });
  if (checkpoint !== null) await restoreOptimizer({ optimizer, checkpoint });
  const cache = openFrameCache({ report: warn });
  const prepare = promptMaker({ processor: models.processor, settings: config.data, cache, warn });
  const stream = new DataStream({
    samples,
    seed: config.seed,
    position: state?.data_position ?? 0,
    prepare,
    log: warn,
  });
  await removeAfter({ folder: folder.checkpoints, step: start });
  if (start < training.max_steps) await rm(folder.finished, { force: true });
  const records = await RunRecords.open({ folder, step: start });
  const context: StepContext = { config, models, optimizer, classes };
  const totals = { ...(state?.totals ?? { num_tokens: 0 }) };
  let step = start;
  let saved = start;
  let badSteps = state?.bad_steps ?? 0;

  const save = async () => {
    await records.sync();
    await writeCheckpoint({
      folder: folder.checkpoints,
      keep: training.save_total_limit,
      state: {
        step,
        epoch: stream.epoch,
        data_position: stream.position,
        seed: config.seed,
        config_digest: configDigest(config),
        optimizer_step: optimizer.step,
        bad_steps: badSteps,
        totals,
      },
      writeFiles: (into) => saveTraining({ models, optimizer, config, folder: into }),
    });
    saved = step;
    log.info({ step }, 'checkpoint saved');
  };

  const evaluate = async (): Promise<Record<string, number>> => {
    if (held.length === 0) return {};
    const answered = await evaluateHeldOut({
      config,
      answerer: models,
      samples: held,
      train: samples,
      prepare,
      warn,
      onProgress: () => models.trim(),
      signal,
    });
    const metrics = flatMetrics(answered);
    await records.evaluation({ step, ...metrics });
    log.info({ step, ...metrics }, 'evaluated');
    return metrics;
  };

  progress.start(training.max_steps, config.name, step);
  try {
    while (step < training.max_steps) {
      const isDue = training.eval_steps > 0 && step > 0 && step % training.eval_steps === 0;
      if (isDue && !records.isEvaluated(step)) await evaluate();
      if (signal.aborted) throw new Interrupted();
      // A process makes a step at least, else it would be started again for ever.
      if (step > start && activeBackend().handlesMade() > handleLimit) {
        if (saved < step) await save();
        log.info({ step }, 'the process starts anew: TensorFlow’s handles are running out');
        return 'restart';
      }

      step += 1;
      profile?.beginStep();
      const clock = new Stopwatch(profile);
      const started = performance.now();
      const taken = await stream.next(training.prompts_per_step);
      clock.record('video', started);
      const rate = learningRate(training, step);
      const result = METHODS[config.method](context, { step, samples: taken, learningRate: rate, clock });
      models.trim();
      clock.seconds.step = (performance.now() - started) / 1000;

      totals.num_tokens += result.tokens;
      const metrics = line({ step, epoch: stream.epoch, result: result.metrics, rate, totals, clock });
      await records.step({ metrics, completions: result.completions });
      badSteps = result.applied ? 0 : badSteps + 1;
      if (!result.applied) log.warn({ step }, `step ${step}: the loss is not finite; the step was not applied`);
      if (badSteps >= training.max_bad_steps) throw tooManyBadSteps({ step, badSteps, config, folder });
      if (step % training.logging_steps === 0) progress.update(step, shown(metrics));
      // In a row of bad steps the last good checkpoints must not be driven out.
      if (step % training.save_steps === 0 && badSteps === 0) await save();
    }
    const evaluation = await evaluate();
    if (saved < step) await save();
    const leftOut = describeLeftOutSamples(stream.leftOut());
    if (leftOut !== undefined) log.warn(`training: ${leftOut}`);
    await writeAtomically({ file: folder.finished, text: `${JSON.stringify({ step, evaluation }, null, 2)}\n` });
    return 'done';
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    if (saved < step) await save();
    return 'interrupted';
  } finally {
    progress.stop();
    profile?.end();
    await records.close();
    optimizer.dispose();
    models.dispose();
  }
}

/** A line of `metrics.jsonl`. */
function line(args: {
  step: number;
  epoch: number;
  result: Metrics;
  rate: number;
  totals: { num_tokens: number };
  clock: Stopwatch;
}): Metrics {
  const { step, epoch, result, rate, totals, clock } = args;
  return {
    step,
    epoch,
    ...result,
    learning_rate: rate,
    num_tokens: totals.num_tokens,
    ...clock.metrics(['video', 'rollout', 'reward', 'reference', 'policy', 'optimizer', 'step']),
    'memory/rss_bytes': process.memoryUsage.rss(),
    'memory/peak_rss_bytes': process.resourceUsage().maxRSS * 1024,
    'memory/tensors': activeBackend().liveTensors(),
  };
}

/** What people look at while it runs. */
function shown(metrics: Metrics): Record<string, number> {
  const names = ['loss', 'reward', 'kl', 'grad_norm', 'completions/mean_length'];
  const found = names.flatMap((name) => (metrics[name] === undefined ? [] : [[name, metrics[name]]]));
  return Object.fromEntries(found) as Record<string, number>;
}

function tooManyBadSteps(args: { step: number; badSteps: number; config: Config; folder: RunFolder }): RunError {
  const { step, badSteps, config, folder } = args;
  const start = config.model.lora === undefined ? 'model.path' : 'model.adapter';
  const message = `the loss was not finite in ${badSteps} steps in a row, the last of them step ${step}, and these were not applied; start another run with a lower training.learning_rate (now ${config.training.learning_rate}), from the same model or with one of the checkpoints in ${folder.checkpoints} as its ${start}`;
  return new RunError({ code: 'RUN_NOT_FINITE', message });
}
