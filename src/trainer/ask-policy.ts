import type { LimitFunction } from 'p-limit';
import type { PolicyAsker, PolicyQuestion } from '../rewards/policy-asker.js';
import type { Sampling } from '../rollout/completion.js';
import { GREEDY } from '../rollout/completion.js';
import { uniform } from '../system/random.js';
import type { StepContext } from './context.js';
import type { PromptedSample } from './data-stream.js';
import type { Stopwatch } from './metrics.js';
import { completionKey } from './roll-out.js';

/**
 * Asks the policy of a step about one of its samples, as often as rewards want to know.
 *
 * @param turn one question at a time, so that what they take is not counted twice
 */
export function askPolicy(args: {
  context: StepContext;
  step: number;
  sample: Omit<PromptedSample, 'prompt'>;
  clock: Stopwatch;
  turn: LimitFunction;
}): PolicyAsker {
  const { context, step, clock, turn } = args;
  const { config, models, engine, prepareChanged } = context;
  const key = completionKey(args.sample);
  const answer = async ({ sample, change, count, greedy }: PolicyQuestion, number: number) => {
    const prompt = await prepareChanged(sample, change);
    if (prompt === null) return null;
    const sampling: Sampling = greedy ? { ...config.rollout, ...GREEDY } : config.rollout;
    const { completions } = await engine.generate({
      prompts: [prompt],
      numGenerations: count,
      sampling,
      uniform: (_, generation, token) => uniform(config.seed, step, key, number, generation, token),
    });
    return completions[0]!.map(({ tokenIds }) =>
      models.processor.tokenizer.decode(tokenIds, { skipSpecialTokens: true }),
    );
  };
  return (questions) =>
    Promise.all(questions.map((question, number) => turn(() => clock.measure('ask', () => answer(question, number)))));
}
