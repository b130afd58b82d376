import type { Sample } from '../dataset/sample.js';
import type { Processor } from '../prompt/processor.js';
import type { Prompt } from '../prompt/prompt.js';
import type { PreparePrompt } from '../prompt/sample-prompt.js';
import { type LeftOutSamples, UsableSamples } from '../prompt/usable-samples.js';
import { GREEDY } from '../rollout/completion.js';
import type { RolloutEngine } from '../rollout/engine.js';
import { Interrupted } from '../system/interrupted.js';
import type { Prediction } from '../tasks/judge.js';

/** What answers. */
export interface Answerer {
  engine: RolloutEngine;
  processor: Processor;
}

/**
 * Greedy completions of samples, several at a time. A sample that cannot be used is left out and reported.
 *
 * @param signal ends the job between two batches
 * @throws Interrupted
 */
export async function predict(args: {
  answerer: Answerer;
  samples: readonly Sample[];
  prepare: PreparePrompt;
  maxCompletionLength: number;
  batchSize: number;
  log: (message: string) => void;
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}): Promise<{ predictions: Prediction[]; leftOut: LeftOutSamples[] }> {
  const { answerer, samples, batchSize, onProgress, signal } = args;
  const usable = new UsableSamples(args);
  const predictions: Prediction[] = [];
  let pending = prepareBatch(samples.slice(0, batchSize), usable);
  for (let start = 0; start < samples.length; start += batchSize) {
    if (signal?.aborted) throw new Interrupted();
    const batch = await pending;
    pending = prepareBatch(samples.slice(start + batchSize, start + 2 * batchSize), usable);
    if (batch.length > 0) {
      const { completions } = await answerer.engine.generate({
        prompts: batch.map(({ prompt }) => prompt),
        numGenerations: 1,
        sampling: {
          ...GREEDY,
          max_completion_length: args.maxCompletionLength,
          min_completion_length: 0,
        },
        uniform: () => 0,
      });
      for (const [i, { sample }] of batch.entries()) {
        const { tokenIds } = completions[i]![0]!;
        predictions.push({ sample, text: answerer.processor.tokenizer.decode(tokenIds, { skipSpecialTokens: true }) });
      }
    }
    onProgress?.(Math.min(start + batchSize, samples.length));
  }
  return { predictions, leftOut: usable.leftOut() };
}

async function prepareBatch(
  samples: readonly Sample[],
  usable: UsableSamples<Prompt>,
): Promise<{ sample: Sample; prompt: Prompt }[]> {
  const prepared = samples.map(async (sample) => ({ sample, prompt: await usable.prepare(sample) }));
  return (await Promise.all(prepared)).flatMap(({ sample, prompt }) => (prompt === null ? [] : { sample, prompt }));
}
