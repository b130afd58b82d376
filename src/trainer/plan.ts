import type { Config } from '../config/schema.js';
import { loadDataset, loadSources } from '../dataset/load.js';
import type { Sample } from '../dataset/sample.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { openProcessor } from '../policy/families/named.js';
import { readModelConfig } from '../policy/families/read-config.js';
import { openModelWeights } from '../policy/model-weights.js';
import { encodeCompletion } from '../prompt/build.js';
import { promptMaker, sampleChecker } from '../prompt/sample-prompt.js';
import { UsableSamples } from '../prompt/usable-samples.js';
import { idleRewards } from '../rewards/idle.js';
import { Rewards } from '../rewards/rewards.js';
import { expectedCompletion } from '../tasks/words.js';
import { activeBackend } from '../tensor/active.js';
import { nothingUsable } from './data-stream.js';
import { checkMemory, countWeights, weightMemory } from './memory.js';
import { adapterPlan, adapterValues } from './models.js';
import { estimateStepTime } from './step-time.js';
import { type Survey, spread, surveySamples } from './survey.js';

/** Training samples whose prompts are really built, spread over the data. */
const PROBED = 8;

/** What a run would do, found out without training. */
export interface Plan {
  steps: number;
  epochs: number;
  /** Usable samples by task, and what part of those drawn each task is to be. */
  train: Record<string, number>;
  shares: Record<string, number>;
  held: Record<string, number>;
  /** What was found not to be usable, without decoding every video. */
  leftOut: { train: Survey; held: Survey };
  /** Of the prompts that were built, in tokens; null where no video could be read. */
  promptTokens: { min: number; mean: number; max: number } | null;
  /** Of the annotated answers to the probed samples (SFT), or the limit (GRPO), in tokens. */
  completionTokens: number;
  weights: { total: number; trained: number };
  /** About how long a step takes, in seconds; null where no video could be read. */
  stepTime: number | null;
  /** Bytes, by what they are for. */
  memory: Record<string, number>;
}

/**
 * Loads data, tokenizer and the headers of the weights, and builds a few prompts with their videos.
 *
 * @param type what frozen weights are kept in
 */
export async function planRun(args: {
  config: Config;
  type: 'float32' | 'bfloat16';
  warn: (message: string) => void;
}): Promise<Plan> {
  const { config, type, warn } = args;
  const { training, rollout, data } = config;
  const model = { ...config.model, path: await modelFolder(config.model.path) };
  const sources = await loadSources({ data, split: 'train', log: warn });
  const samples = sources.flat();
  if (config.method === 'grpo') {
    idleRewards({ terms: config.rewards, samples }).forEach(warn);
    await (await Rewards.open({ terms: config.rewards, rollout, judge: config.judge })).close();
  }
  const held = data.eval.length === 0 ? [] : await loadDataset({ data, split: 'eval', log: warn });
  const modelConfig = await readModelConfig(model.path);
  const processor = await openProcessor({ folder: model.path, config: modelConfig });

  checkMemory({ config, model: modelConfig, type, usesGpu: activeBackend().usesGpu });

  const learnsAnswers = config.method === 'sft';
  const check = sampleChecker({ processor, settings: data, learnsAnswers, warn });
  const leftOut = {
    train: await surveySamples({ samples, check, log: warn }),
    held: await surveySamples({ samples: held, check: sampleChecker({ processor, settings: data, warn }), log: warn }),
  };
  const { usable } = leftOut.train;
  if (usable.length === 0) throw nothingUsable({ samples, ...leftOut.train });
  const probed = spread(usable, PROBED);
  const prepared = new UsableSamples({
    prepare: promptMaker({ processor, settings: data, learnsAnswers, warn }),
    log: warn,
  });
  const prompts = (await Promise.all(probed.map((sample) => prepared.prepare(sample)))).filter(
    (prompt) => prompt !== null,
  );
  const lengths = prompts.map(({ tokenIds }) => tokenIds.length);
  const patches = Math.max(
    0,
    ...prompts.map(({ visuals }) => visuals.reduce((sum, { patches }) => sum + patches.length, 0)),
  );
  const answers = probed.map((sample) => {
    const text = expectedCompletion({ sample, style: data.prompt });
    return encodeCompletion({ processor, text }).length;
  });
  const completionTokens = config.method === 'sft' ? Math.max(...answers) : rollout.max_completion_length;

  await (await openModelWeights({ folder: model.path, config: modelConfig })).close();
  const plan = adapterPlan(model, modelConfig);
  if (plan !== undefined && model.adapter !== undefined)
    await adapterValues({ plan, folder: model.adapter, model: modelConfig });
  const counts = countWeights(config, modelConfig);
  const G = config.method === 'grpo' ? rollout.num_generations : 1;
  const longest = lengths.length === 0 ? 0 : Math.max(...lengths);
  const perMicroBatch = training.prompts_per_step / training.gradient_accumulation_steps;
  const rows = perMicroBatch * (longest + G * completionTokens);
  const { hiddenSize, intermediateSize, numLayers, vocabSize } = modelConfig.text;

  return {
    steps: training.max_steps,
    epochs: (training.max_steps * training.prompts_per_step) / usable.length,
    train: countTasks(usable),
    shares: sharesOf({ config, sources, usable: new Set(usable) }),
    held: countTasks(leftOut.held.usable),
    leftOut,
    promptTokens:
      lengths.length === 0
        ? null
        : { min: Math.min(...lengths), mean: lengths.reduce((a, b) => a + b, 0) / lengths.length, max: longest },
    completionTokens,
    weights: { total: counts.model + counts.adapters, trained: counts.own + counts.adapters },
    stepTime:
      prompts.length === 0 ? null : estimateStepTime({ config, model: modelConfig, type, prompts, completionTokens }),
    memory: {
      ...weightMemory({ config, weights: counts, type }),
      // A layer's input always, its inner values while there is room for them; logits of one chunk, thrice.
      activations:
        rows * hiddenSize * 4 * numLayers +
        Math.min(2 ** 31, rows * numLayers * 4 * (8 * hiddenSize + 4 * intermediateSize)),
      logits: 3 * Math.min(64 * 2 ** 20, rows * vocabSize * 4),
      // Those of a step, and of the next one ahead.
      'decoded videos': 2 * training.prompts_per_step * patches * 4,
      // What the process has by now, tokenizer and annotations included.
      'TensorFlow and Node': process.memoryUsage.rss(),
    },
  };
}

/** What part of the samples drawn each task is: sources give by their weights, else by their sizes. */
function sharesOf(args: { config: Config; sources: Sample[][]; usable: Set<Sample> }): Record<string, number> {
  const { config, sources, usable } = args;
  const shares: Record<string, number> = {};
  const parts = sources.map((source, s) => {
    const own = source.filter((sample) => usable.has(sample));
    return { own, weight: own.length === 0 ? 0 : (config.data.train[s]!.weight ?? own.length) };
  });
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  for (const { own, weight } of parts)
    for (const [task, count] of Object.entries(countTasks(own)))
      shares[task] = (shares[task] ?? 0) + (weight / total) * (count / own.length);
  return shares;
}

function countTasks(samples: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { task } of samples) counts[task] = (counts[task] ?? 0) + 1;
  return counts;
}
