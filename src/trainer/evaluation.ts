import { evaluateHeldOut } from '../evaluation/held-out.js';
import { heldOutAnswers, heldOutText } from '../evaluation/held-out-answers.js';
import { flatMetrics } from '../evaluation/summary.js';
import { fromFirst } from '../parallel/gather.js';
import { writeAtomically } from '../system/atomic-write.js';
import { Interrupted } from '../system/interrupted.js';
import { openFirstAnswers } from './first-answers.js';
import type { RunParts } from './open-run.js';
import type { Saving } from './saving.js';
import { syncEngine } from './training-files.js';

/**
 * Measures the policy as it is on the held-out samples. The first process does it, and tells the others.
 *
 * @throws Interrupted
 */
export async function evaluate(run: RunParts, saving: Saving | null): Promise<Record<string, number>> {
  if (run.held.length === 0) return {};
  await syncEngine(run.context, run.standing.step);
  const own = saving === null ? null : await measure(run, saving).catch(nullIfInterrupted);
  const metrics = await fromFirst(run.group, own);
  if (metrics === null) throw new Interrupted();
  return metrics;
}

async function measure(run: RunParts, saving: Saving): Promise<Record<string, number>> {
  const { config, context, folder, held, samples, heldAnswerer, warn, signal, standing, log } = run;
  const { models, rewards, verdicts } = context;
  const { step } = standing;
  const first = step === 0 ? await openFirstAnswers(run) : null;
  const answered = await evaluateHeldOut({
    config,
    answers: first?.answers,
    answerer: heldAnswerer,
    samples: held,
    train: samples,
    rewards,
    memoryOf: (sample) => verdicts?.memory({ step, sample_id: sample.id, held_out: true }),
    warn,
    onProgress: () => models.trim(),
    signal,
  }).finally(() => first?.close());
  await verdicts?.writeOwn();
  const metrics = flatMetrics(answered);
  const answers = heldOutAnswers({ step, ...answered, style: config.data.prompt, classes: context.classes });
  await writeAtomically({ file: folder.heldOut, text: heldOutText(answers) });
  await saving.records.evaluation({ step, ...metrics });
  log.info({ step, ...metrics }, 'evaluated');
  await saving.judge(metrics.reward);
  return metrics;
}

function nullIfInterrupted(error: unknown): null {
  if (error instanceof Interrupted) return null;
  throw error;
}
