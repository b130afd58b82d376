import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import { fixedOptions } from '../config/resume.js';
import type { Config } from '../config/schema.js';
import { labelsOf } from '../dataset/classes.js';
import { loadDataset } from '../dataset/load.js';
import { evaluateHeldOut, heldOutSamples } from '../evaluation/held-out.js';
import { Interrupted } from '../evaluation/predict.js';
import { flatMetrics } from '../evaluation/summary.js';
import { readModelConfig } from '../model-folder/model-config.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { promptMaker } from '../prompt/sample-prompt.js';
import { describeLeftOutSamples } from '../prompt/usable-samples.js';
import { localEngine } from '../rollout/engines/local.js';
import type { Progress } from '../run/progress.js';
import type { RunFolder } from '../run/run-folder.js';
import { writeAtomically } from '../system/atomic-write.js';
import { RunError } from '../system/errors.js';
import { once } from '../system/once.js';
import type { Profile } from '../system/profile.js';
import { activeBackend } from '../tensor/runtime.js';
import { openFrameCache } from '../video/frame-cache.js';
import { openBest, writeBest } from './best-file.js';
import { type Checkpoint, removeAfter, removeOld, writeCheckpoint } from './checkpoint.js';
import type { StepContext, StepFunction } from './context.js';
import { DataStream } from './data-stream.js';
import { Health } from './health.js';
import { readInputs } from './inputs.js';
import { checkMemory } from './memory.js';
import { metricsLine, Stopwatch, shownMetrics } from './metrics.js';
import { needsReference, openModels, resolveType } from './models.js';
import { AdamW } from './optimizer.js';
import { noteChanges } from './resume.js';
import { RunRecords } from './run-records.js';
import { learningRate } from './schedule.js';
import { sftStep } from './sft-step.js';
import { grpoStep } from './step.js';
import { restoreOptimizer, saveTraining, syncEngine } from './training-files.js';

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
  /** Go on from the checkpoint although the data or the model have changed since. */
  acceptChanges?: boolean;
  handleLimit?: number;
  /** Takes the times of the run's first steps. */
  profile?: Profile;
}

/** Trains as the config says, from the start or from a checkpoint, to the end or to an interruption. */
export async function run(options: RunOptions): Promise<RunEnd> {
  const { config, folder, checkpoint, log, progress, signal, acceptChanges = false } = options;
  const { handleLimit = HANDLE_LIMIT, profile } = options;
  const { training } = config;
  const state = checkpoint?.state;
  const start = state?.step ?? 0;

  const classes = labelsOf(config.data);
  const warn = once((message) => log.warn(message));
  const samples = await loadDataset({ data: config.data, split: 'train', log: warn });
  const held = await heldOutSamples({ config, warn });
  const inputs = await readInputs({ samples, model: config.model.path });
  const changes = checkpoint === null ? [] : noteChanges({ checkpoint, config, inputs, acceptChanges, warn });
  await checkFit(config);
  const models = await openModels({
    config,
    withReference: needsReference(config),
    checkpoint: checkpoint?.folder,
  });
  const optimizer = new AdamW({ parameters: models.policy.parameters, options: training });
  if (checkpoint !== null) await restoreOptimizer({ optimizer, checkpoint });
  const cache = openFrameCache({ report: warn });
  const shown = { processor: models.processor, settings: config.data, cache, warn };
  const prepare = promptMaker({ ...shown, learnsAnswers: config.method === 'sft' });
  const stream = new DataStream({
    samples,
    seed: config.seed,
    position: state?.data_position ?? 0,
    prepare,
    log: warn,
  });
  // From here on the folder is changed.
  await folder.takeConfig();
  await removeAfter({ folder: folder.checkpoints, step: start });
  if (start < training.max_steps) await rm(folder.finished, { force: true });
  const records = await RunRecords.open({ folder, step: start, expected: state?.records, warn });
  const health = new Health({ options: { ...training, ...config.rollout }, state: state?.health });
  const best = await openBest({ config, folder, state: state?.best, warn });
  const engine = localEngine(models);
  const context: StepContext = { config, models, engine, optimizer, classes };
  const totals = { ...(state?.totals ?? { num_tokens: 0 }) };
  let step = start;
  let saved = start;
  let badSteps = state?.bad_steps ?? 0;

  const save = async () => {
    await records.sync();
    await writeCheckpoint({
      folder: folder.checkpoints,
      keep: training.save_total_limit,
      steps: best?.steps,
      state: {
        step,
        epoch: stream.epoch,
        data_position: stream.position,
        seed: config.seed,
        options: fixedOptions(config),
        inputs,
        changes,
        optimizer_step: optimizer.step,
        bad_steps: badSteps,
        totals,
        records: records.counts(step),
        health: health.state,
        best: best?.stateAt(step),
      },
      writeFiles: (into) => saveTraining({ models, optimizer, config, folder: into }),
    });
    saved = step;
    log.info({ step }, 'checkpoint saved');
    await writeBest({ best, folder });
  };

  /** Whether what was measured held out makes this step's checkpoint the best. */
  const judge = async (reward: unknown) => {
    if (best === null || training.eval_steps === 0 || typeof reward !== 'number') return;
    if (!best.evaluated({ step, reward, isRuined: health.ruin.length > 0 })) return;
    if (saved < step) return save();
    await removeOld({ folder: folder.checkpoints, keep: training.save_total_limit, steps: best.steps });
    await writeBest({ best, folder });
  };

  const evaluate = async (): Promise<Record<string, number>> => {
    if (held.length === 0) return {};
    await syncEngine(context);
    const answered = await evaluateHeldOut({
      config,
      answerer: { engine, processor: models.processor },
      samples: held,
      train: samples,
      prepare: promptMaker(shown),
      warn,
      onProgress: () => models.trim(),
      signal,
    });
    const metrics = flatMetrics(answered);
    await records.evaluation({ step, ...metrics });
    log.info({ step, ...metrics }, 'evaluated');
    await judge(metrics.reward);
    return metrics;
  };

  progress.start(training.max_steps, config.name, step);
  try {
    await judge(records.evaluationAfter(start)?.reward);
    while (step < training.max_steps) {
      const isDue = training.eval_steps > 0 && step > 0 && step % training.eval_steps === 0;
      if (isDue && records.evaluationAfter(step) === undefined) await evaluate();
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
      const result = await METHODS[config.method](context, { step, samples: taken, learningRate: rate, clock });
      models.trim();
      clock.seconds.step = (performance.now() - started) / 1000;

      totals.num_tokens += result.tokens;
      const metrics = metricsLine({ step, epoch: stream.epoch, result: result.metrics, rate, totals, clock });
      await records.step({ metrics, completions: result.completions });
      for (const message of health.observe(step, metrics)) log.warn({ step }, message);
      badSteps = result.applied ? 0 : badSteps + 1;
      if (!result.applied) log.warn({ step }, `step ${step}: the loss is not finite; the step was not applied`);
      if (badSteps >= training.max_bad_steps)
        throw notFinite({
          problem: `the loss was not finite in ${badSteps} steps in a row, the last of them step ${step}`,
          config,
          folder,
        });
      if (step % training.logging_steps === 0) progress.update(step, shownMetrics(metrics));
      // In a row of bad steps the last good checkpoints must not be driven out.
      if (step % training.save_steps === 0 && badSteps === 0) {
        best?.saving(step, health.reward);
        await save();
      }
    }
    if (optimizer.step === 0)
      throw notFinite({ problem: `in none of the ${step} steps was the loss finite`, config, folder });
    best?.ending(step, health.reward);
    const evaluation = await evaluate();
    if (saved < step) await save();
    if (health.farewell !== undefined) log.warn({ step }, health.farewell);
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
    await engine.close();
    optimizer.dispose();
    models.dispose();
  }
}

/** @throws RunError `MEMORY_TOO_SMALL` */
async function checkFit(config: Config): Promise<void> {
  const model = await readModelConfig(await modelFolder(config.model.path));
  const type = await resolveType(config.model.dtype);
  checkMemory({ config, model, type, usesGpu: activeBackend().usesGpu });
}

function notFinite(args: { problem: string; config: Config; folder: RunFolder }): RunError {
  const { problem, config, folder } = args;
  const start = config.model.lora === undefined ? 'model.path' : 'model.adapter';
  const message = `${problem}, and these were not applied; start another run with a lower training.learning_rate (now ${config.training.learning_rate}), from the same model or with one of the checkpoints in ${folder.checkpoints} as its ${start}`;
  return new RunError({ code: 'RUN_NOT_FINITE', message });
}
