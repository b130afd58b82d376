import { parentPort, workerData } from 'node:worker_threads';
import type { JudgeOptions } from '../config/judge-options.js';
import { Judge } from '../judge/judge.js';
import { vauEvalQuestion, vauEvalTotal } from '../judge/vau-eval.js';
import { parseCompletion } from '../tasks/completion.js';
import type { JudgedGroupReply } from './judge.js';
import type { RewardInput, Verdict } from './reward.js';
import type { ThreadReply, ThreadRequest } from './scoring-thread.js';

/** The thread of the judge: grades one group after the other, as many of its completions at a time as may be asked about. */
const options = workerData as JudgeOptions;
const port = parentPort!;
const judge = new Judge(options);

async function gradeOf(input: RewardInput): Promise<Verdict> {
  const { answer } = parseCompletion(input);
  // There is nothing to be graded.
  if (answer === undefined) return { score: 0 };
  const question = vauEvalQuestion({ sample: input.sample, text: answer }, options.prompts);
  const signal = AbortSignal.timeout(options.step_deadline_s * 1000);
  const reply = await judge.ask(question, { signal });
  return 'failed' in reply ? reply : { score: vauEvalTotal(reply.value) / 50 };
}

port.on('message', async ({ id, group }: ThreadRequest) => {
  const returned: JudgedGroupReply = { verdicts: await Promise.all(group.map(gradeOf)), bill: judge.bill() };
  port.postMessage({ id, returned } satisfies ThreadReply);
});
port.postMessage({ ready: true } satisfies ThreadReply);
