import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config/schema.js';
import type { Sample } from '../../dataset/sample.js';
import { answerTrials } from '../../evaluation/answer-trials.js';
import type { Answerer } from '../../evaluation/answerer.js';
import { policyAnswerer } from '../../evaluation/answerers/policy.js';
import { serverAnswerer } from '../../evaluation/answerers/server.js';
import type { Answers } from '../../evaluation/answers.js';
import { answerSampling } from '../../evaluation/held-out.js';
import type { Trial } from '../../evaluation/trials.js';
import { billText } from '../../judge/bill-text.js';
import { clusterGroup } from '../../parallel/cluster-group.js';
import { barrier } from '../../parallel/gather.js';
import type { ProcessGroup } from '../../parallel/process-group.js';
import { single } from '../../parallel/single.js';
import { localEngine } from '../../rollout/engines/local.js';
import { createProgress, silentProgress } from '../../run/progress.js';
import { UsageError } from '../../system/errors.js';
import type { ClusterOptions } from '../../tensor/cluster.js';
import { startRuntime } from '../../tensor/runtime.js';
import { openCheckpoint } from '../../trainer/checkpoint.js';
import { readInputs, samplesDigest } from '../../trainer/inputs.js';
import { openModels } from '../../trainer/models.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { openFrameCache } from '../../video/frame-cache.js';
import { isFirst } from './cluster.js';
import { bringModel } from './model.js';
import { unmergedPlan } from './question.js';

/** What is measured, where it is not what the config starts from. */
export interface UnderTest {
  config: Config;
  /** A checkpoint's folder. */
  checkpoint?: string;
  /** A PEFT adapter's. */
  adapter?: string;
  /** Processes that share the questions. */
  cluster?: ClusterOptions;
}

/** @throws UsageError, CheckpointError before anything is loaded */
export async function checkUnderTest({ config, checkpoint, adapter, cluster }: UnderTest): Promise<void> {
  if (cluster !== undefined && config.evaluation.server !== undefined) {
    const message = 'a server is asked by one process, with evaluation.server.concurrency';
    throw new UsageError({ code: 'USAGE', message });
  }
  const named = Object.entries({
    '--checkpoint': checkpoint,
    '--adapter': adapter,
    'a server': config.evaluation.server,
  });
  const given = named.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (given.length > 1)
    throw new UsageError({ code: 'USAGE', message: `one model is measured at a time: ${given.join(' and ')} are two` });
  if (checkpoint !== undefined) await openCheckpoint(checkpoint);
}

/** A model that is ready to be asked. */
interface OpenModel {
  answerer: Answerer;
  group: ProcessGroup;
  trim(): void;
  dispose(): void;
}

/** Puts questions to what is measured, and takes what it answers. @throws Interrupted */
export async function askUnderTest(
  args: UnderTest & {
    trials: readonly Trial[];
    answers: Answers;
    /** Of the bar. */
    label: string;
    warn: (message: string) => void;
    say: (text: string) => void;
    signal: AbortSignal;
  },
): Promise<void> {
  const { config, trials, answers, label, warn, signal } = args;
  const model = await openUnderTest(args);
  const { group } = model;
  const progress = isFirst(args.cluster) ? createProgress() : silentProgress;
  progress.start(trials.length, label);
  try {
    await answerTrials({
      answerer: model.answerer,
      trials,
      answers,
      sampling: answerSampling(config),
      batchSize: config.evaluation.batch_size,
      seed: config.seed,
      log: warn,
      onProgress: (done) => {
        model.trim();
        progress.update(done);
      },
      signal,
      group,
    });
    await barrier(group);
  } catch (error) {
    group.fail(error);
    throw error;
  } finally {
    progress.stop();
    model.dispose();
  }
}

async function openUnderTest(
  args: UnderTest & { warn: (message: string) => void; say: (text: string) => void; signal: AbortSignal },
): Promise<OpenModel> {
  const { config, checkpoint, adapter, warn, say, signal } = args;
  const { server } = config.evaluation;
  await ensureFfmpeg({ report: say });
  const cache = openFrameCache({ report: warn });
  const settings = config.data;
  if (server !== undefined) {
    const answerer = serverAnswerer({ server, settings, cache, warn, signal });
    return {
      answerer: answerer as Answerer,
      group: single,
      trim: () => {},
      dispose: () => say(billText(answerer.bill())),
    };
  }
  const { collectives } = await startRuntime({ report: say, cluster: args.cluster });
  const group = collectives === null ? single : clusterGroup(collectives);
  const models = await openModels(await modelsOf({ config, checkpoint, adapter }));
  const answerer = policyAnswerer({ engine: localEngine(models), processor: models.processor, settings, cache, warn });
  return { answerer: answerer as Answerer, group, trim: () => models.trim(), dispose: () => models.dispose() };
}

/** An adapter stands beside the weights where it can, as in training. */
async function modelsOf({ config, checkpoint, adapter }: UnderTest): Promise<Parameters<typeof openModels>[0]> {
  if (adapter === undefined) return { config, withReference: false, checkpoint };
  const { lora: _, ...model } = config.model;
  const plan = await unmergedPlan(model.path, adapter);
  return { config: { model: { ...model, adapter }, seed: config.seed }, withReference: false, plan };
}

/** What decides about answers: they are kept for as long as all of this stays what it is. */
export async function decisiveSettings({
  config,
  checkpoint,
  adapter,
  samples,
}: UnderTest & { samples: readonly Sample[] }): Promise<Record<string, unknown>> {
  const { data, rollout, evaluation, model, seed } = config;
  const { prompt_templates, system_prompt, classes, video, image, max_prompt_length, past_the_end } = data;
  const { max_completion_length, batch_size, server } = evaluation;
  const weights = checkpoint ?? adapter;
  if (server === undefined) await bringModel(model.path);
  const files = async (folder: string) => (await readInputs({ samples: [], model: folder })).model;
  return {
    model:
      server === undefined
        ? { files: await files(model.path), dtype: model.dtype }
        : { server: server.base_url, name: server.model },
    ...(weights !== undefined && { weights: await files(weights) }),
    samples: samplesDigest(samples),
    videos: await videosDigest(samples),
    prompts: { prompt_templates, system_prompt, classes, max_prompt_length, past_the_end },
    video,
    image,
    sampling: { ...rollout, max_completion_length: max_completion_length ?? rollout.max_completion_length },
    batch_size,
    seed,
  };
}

/** Of their names and sizes: another file in the place of one is noticed, a folder that has moved is not. */
async function videosDigest(samples: readonly Sample[]): Promise<string> {
  const files = [...new Set(samples.flatMap(({ visuals }) => visuals.map(({ file }) => file)))];
  const sizes = files.map(async (file) => {
    const size = await stat(file).then(
      (found) => found.size,
      () => null,
    );
    return [path.basename(file), size];
  });
  return createHash('sha256')
    .update(JSON.stringify(await Promise.all(sizes)))
    .digest('hex')
    .slice(0, 16);
}
