import type { Config } from '../config/schema.js';
import { fromFirst } from '../parallel/gather.js';
import { describeLeftOutSamples } from '../prompt/usable-samples.js';
import { RunError } from '../system/errors.js';
import { Interrupted } from '../system/interrupted.js';
import { activeBackend } from '../tensor/active.js';
import { checkWeights, gatherAlike } from './agreement.js';
import type { StepFunction } from './context.js';
import { evaluate } from './evaluation.js';
import { metricsLine, Stopwatch, shownMetrics } from './metrics.js';
import type { RunParts } from './open-run.js';
import { beginRollout, endRollout } from './roll-out.js';
import type { Saving } from './saving.js';
import { learningRate } from './schedule.js';
import { sftStep } from './sft-step.js';
import { grpoStep } from './step.js';
import type { StepProblem } from './update.js';

const PROBLEMS: Record<StepProblem, string> = {
  not_finite: 'the loss is not finite',
  no_scores: 'the reward of no completion is known',
};

const METHODS: Record<Config['method'], StepFunction> = { grpo: grpoStep, sft: sftStep };

/**
 * TensorFlow's addon numbers handles with 32 bits; past 2³¹ numbers would be used twice. A run saves and asks for a new
 * process well before (after about a day of small steps).
 */
export const HANDLE_LIMIT = 1.8e9;

/**
 * Makes the steps that are left. What all processes must do alike is decided from what all of them say.
 *
 * @param saving null in all processes but the first
 * @throws Interrupted between two steps
 * @throws RunError `RUN_NOT_FINITE`, `RUN_NO_SCORES`
 */
export async function trainSteps(run: RunParts, saving: Saving | null): Promise<'done' | 'restart'> {
  const { config, group, common, signal, start, standing, log, handleLimit = HANDLE_LIMIT } = run;
  const { max_steps, eval_steps, eval_on_start } = config.training;
  await saving?.judge(saving.records.evaluationAfter(start)?.reward);
  while (standing.step < max_steps) {
    const { step } = standing;
    if (step === 0 ? eval_on_start : eval_steps > 0 && step % eval_steps === 0) {
      const isDone = await fromFirst(group, saving?.records.evaluationAfter(step) !== undefined);
      if (!isDone) await evaluate(run, saving);
    }
    const said = { stops: signal.aborted, wearsOut: activeBackend().handlesMade() > handleLimit };
    const all = await gatherAlike({ group, common: { ...common, step }, said });
    if (all.some(({ stops }) => stops)) {
      await keepAhead(run);
      throw new Interrupted();
    }
    // A process makes a step at least, else it would be started again for ever.
    if (step > start && all.some(({ wearsOut }) => wearsOut)) {
      await keepAhead(run);
      await saving?.saveLast();
      log.info({ step }, 'the process starts anew: TensorFlow’s handles are running out');
      return 'restart';
    }
    await makeStep(run, saving);
  }
  if (run.context.optimizer.step === 0)
    throw notFinite({ what: `in none of the ${standing.step} steps was the loss finite`, run });
  await end(run, saving);
  return 'done';
}

async function makeStep(run: RunParts, saving: Saving | null): Promise<void> {
  const { config, group, context, stream, ahead, health, standing, log, progress, profile } = run;
  const { training } = config;
  standing.step += 1;
  const { step, totals } = standing;
  profile?.beginStep();
  const clock = new Stopwatch(profile);
  const started = performance.now();
  const before = { step: step - 1, position: ahead.place?.position ?? stream.position };
  const begun = ahead.take(step);
  const [count, seen] = [training.prompts_per_step, new Map<string, number>()];
  const draw = (wanted?: readonly number[]) => clock.measure('video', () => stream.next({ count, wanted, seen }));
  const rate = learningRate(training, step);
  const beginNext = config.rollout.max_staleness > 0 && step < training.max_steps ? () => goAhead(run) : undefined;
  const input = { step, draw, begun, beginNext, learningRate: rate, clock };
  const result = await METHODS[config.method](context, input).catch((error) => {
    if (error instanceof Interrupted) takeBack(run, before);
    throw error;
  });
  for (const one of result.successes ?? []) stream.curriculum?.observe({ ...one, epoch: stream.epoch });
  context.models.trim();
  clock.seconds.step = (performance.now() - started) / 1000;

  totals.num_tokens += result.tokens;
  const { asksPolicy } = context.rewards;
  const metrics = metricsLine({
    step,
    epoch: (ahead.place ?? stream).epoch,
    result: result.metrics,
    rate,
    totals,
    clock,
    asksPolicy,
  });
  await saving?.records.step({ metrics, completions: result.completions });
  for (const message of health.observe(step, metrics)) log.warn({ step }, message);
  for (const message of (await saving?.adviser.observe(metrics)) ?? []) log.warn({ step }, message);
  const { problem, notes = [] } = result;
  for (const note of notes) log.warn({ step }, note);
  standing.badSteps = problem === null ? 0 : standing.badSteps + 1;
  const { badSteps } = standing;
  if (problem !== null) log.warn({ step }, `step ${step}: ${PROBLEMS[problem]}; the step was not applied`);
  if (badSteps >= training.max_bad_steps) throw await tooManyBadSteps({ problem: problem!, run, why: notes[0] });
  if (step % training.logging_steps === 0)
    progress.update(step, shownMetrics(metrics), { metrics, text: lastText(result.completions) });
  // In a row of bad steps the last good checkpoints must not be driven out.
  if (step % training.save_steps !== 0 || badSteps > 0) return;
  await checkWeights({ group, parameters: context.models.policy.parameters });
  await keepAhead(run);
  await saving?.saveRegularly();
}

const lastText = (completions: readonly object[]): string | undefined =>
  (completions.at(-1) as { text?: string } | undefined)?.text;

/** Begins to sample for the next step. */
async function goAhead(run: RunParts): Promise<void> {
  const { config, context, stream, ahead, standing } = run;
  const { step } = standing;
  const before = { position: stream.position, epoch: stream.epoch };
  const samples = await stream.next({ count: config.training.prompts_per_step });
  ahead.keep(await beginRollout({ context, step: step + 1, done: step - 1, samples, isAhead: true }), before);
}

/**
 * What is ahead of a checkpoint is on the disk when it is written: sampled again it would be another. If it fails, that is
 * told by the step that needs it.
 */
async function keepAhead({ context, ahead }: RunParts): Promise<void> {
  if (ahead.begun !== null) await endRollout(context, ahead.begun).catch(() => {});
}

/** The step has not been: what is saved is what stood before it. */
function takeBack({ standing, stream, ahead }: RunParts, before: { step: number; position: number }): void {
  standing.step = before.step;
  ahead.take(before.step);
  stream.goTo(before.position);
}

async function end(run: RunParts, saving: Saving | null): Promise<void> {
  const { health, standing, stream, log } = run;
  const { step } = standing;
  saving?.ending();
  const evaluation = await evaluate(run, saving);
  await saving?.saveLast();
  if (health.farewell !== undefined) log.warn({ step }, health.farewell);
  const leftOut = describeLeftOutSamples(stream.leftOut());
  if (leftOut !== undefined) log.warn(`training: ${leftOut}`);
  await saving?.finish(evaluation);
}

/** @param why the last of them could not be made use of */
async function tooManyBadSteps(args: { problem: StepProblem; run: RunParts; why?: string }): Promise<RunError> {
  const { problem, run, why = '' } = args;
  const { step, badSteps } = run.standing;
  if (problem === 'not_finite')
    return notFinite({
      what: `the loss was not finite in ${badSteps} steps in a row, the last of them step ${step}`,
      run,
    });
  // Resumed, the run asks again.
  await run.context.verdicts?.forgetAfter(step - badSteps);
  const message = `in ${badSteps} steps in a row nobody could say what a completion is worth, and these were not applied (${why}); see to that reward, and go on with --resume: it is asked again`;
  return new RunError({ code: 'RUN_NO_SCORES', message });
}

function notFinite({ what, run }: { what: string; run: RunParts }): RunError {
  const { config, folder } = run;
  const start = config.model.lora === undefined ? 'model.path' : 'model.adapter';
  const message = `${what}, and these were not applied; start another run with a lower training.learning_rate (now ${config.training.learning_rate}), from the same model or with one of the checkpoints in ${folder.checkpoints} as its ${start}`;
  return new RunError({ code: 'RUN_NOT_FINITE', message });
}
