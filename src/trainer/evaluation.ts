import type { Sample } from '../dataset/sample.js';
import { Answers } from '../evaluation/answers.js';
import { answerHeldOut, measureAnswers } from '../evaluation/held-out.js';
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
 * Measures the policy as it is on the held-out samples. All processes answer a share of them; the first one measures, and
 * tells the others.
 *
 * @throws Interrupted
 */
export async function evaluate(run: RunParts, saving: Saving | null): Promise<Record<string, number>> {
  const { config, context, group, held, heldAnswerer, standing, warn, signal } = run;
  if (held.length === 0) return {};
  await syncEngine(context, standing.step);
  const first = saving !== null && standing.step === 0 ? await openFirstAnswers(run) : null;
  const answers = first?.answers ?? Answers.inMemory();
  const onProgress = () => context.models.trim();
  await answerHeldOut({
    config,
    answerer: heldAnswerer,
    answers,
    samples: held,
    warn,
    onProgress,
    signal,
    group,
  }).finally(() => first?.close());
  const own = saving === null ? null : await measure(run, saving, answers).catch(nullIfInterrupted);
  const metrics = await fromFirst(group, own);
  if (metrics === null) throw new Interrupted();
  return metrics;
}

async function measure(run: RunParts, saving: Saving, answered: Answers): Promise<Record<string, number>> {
  const { config, context, folder, held, samples, standing, log } = run;
  const { rewards, verdicts } = context;
  const { step } = standing;
  const { prompt: style } = config.data;
  const memoryOf = (sample: Sample) => verdicts?.memory({ step, sample_id: sample.id, held_out: true });
  const measured = await measureAnswers({
    config,
    answers: answered,
    style,
    samples: held,
    train: samples,
    rewards,
    memoryOf,
  });
  await verdicts?.writeOwn();
  const metrics = flatMetrics(measured);
  const answers = heldOutAnswers({ step, ...measured, style, classes: context.classes });
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
