import type { Config } from '../../config/schema.js';
import type { Sample } from '../../dataset/sample.js';
import type { Answers } from '../../evaluation/answers.js';
import { evaluationFiles } from '../../evaluation/evaluation-folder.js';
import { predictionsOf } from '../../evaluation/held-out.js';
import { type Judgement, judgeAnswers } from '../../evaluation/judgements.js';
import { billText } from '../../judge/bill-text.js';
import { Judge } from '../../judge/judge.js';
import { createProgress } from '../../run/progress.js';
import { writeAtomically } from '../../system/atomic-write.js';
import type { PromptStyle } from '../../tasks/task.js';

/**
 * Has the descriptions among the answers graded, if the config names a judge. What it says is written down beside the
 * answers, with its reasons.
 */
export async function gradeAnswers(args: {
  config: Config;
  answers: Answers;
  samples: readonly Sample[];
  settings: { prompts: readonly PromptStyle[] };
  classes: readonly string[];
  folder: string | undefined;
  signal: AbortSignal;
  say: (text: string) => void;
}): Promise<Partial<Record<PromptStyle, Judgement[]>> | undefined> {
  const { config, answers, samples, settings, classes, folder, signal, say } = args;
  const described = samples.filter(({ task }) => task === 'reasoning');
  if (config.judge === undefined || described.length === 0) return undefined;
  const { judge_runs: runs, second_judge } = config.evaluation;
  const judge = new Judge(config.judge, { signal });
  const another = second_judge && new Judge(second_judge, { signal });
  const same = runs > 1 ? { judge, variant: 1 } : undefined;
  const second = another === undefined ? same : { judge: another, variant: 0 };
  const byPrompt: Partial<Record<PromptStyle, Judgement[]>> = {};
  for (const style of settings.prompts) {
    const { predictions } = predictionsOf({ answers, samples: described, style });
    const progress = createProgress();
    progress.start(predictions.length, 'grading');
    try {
      byPrompt[style] = await judgeAnswers({
        judge,
        second,
        predictions,
        style,
        classes,
        prompts: config.judge.prompts,
        onProgress: (done) => progress.update(done),
      });
    } finally {
      progress.stop();
    }
  }
  say(billText(judge.bill()));
  if (another !== undefined) say(`second ${billText(another.bill())}`);
  if (folder !== undefined) {
    const lines = Object.entries(byPrompt).flatMap(([prompt, judgements]) =>
      judgements.map(({ sample, ...judgement }) => ({ prompt, sample_id: sample.id, ...judgement })),
    );
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await writeAtomically({ file: evaluationFiles(folder).judgements, text });
  }
  return byPrompt;
}
