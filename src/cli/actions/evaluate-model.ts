import type { Config } from '../../config/schema.js';
import type { Sample } from '../../dataset/sample.js';
import type { Answerer } from '../../evaluation/answerer.js';
import { policyAnswerer } from '../../evaluation/answerers/policy.js';
import { serverAnswerer } from '../../evaluation/answerers/server.js';
import { claimFolder } from '../../evaluation/evaluation-folder.js';
import { billText } from '../../judge/bill-text.js';
import { localEngine } from '../../rollout/engines/local.js';
import { UsageError } from '../../system/errors.js';
import { startRuntime } from '../../tensor/runtime.js';
import { openCheckpoint } from '../../trainer/checkpoint.js';
import { readInputs } from '../../trainer/inputs.js';
import { openModels } from '../../trainer/models.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { openFrameCache } from '../../video/frame-cache.js';
import { bringModel } from './model.js';
import { unmergedPlan } from './question.js';

/** What is measured, where it is not what the config starts from. */
export interface UnderTest {
  config: Config;
  /** A checkpoint's folder. */
  checkpoint?: string;
  /** A PEFT adapter's. */
  adapter?: string;
}

/** @throws UsageError, CheckpointError before anything is loaded */
export async function checkUnderTest({ config, checkpoint, adapter }: UnderTest): Promise<void> {
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
  trim(): void;
  dispose(): void;
}

/**
 * Opens what is measured.
 *
 * @param isNeeded false: all is answered; then it is only looked at whether the answers are its own
 * @throws UsageError `EVALUATION_OTHER`
 */
export async function openUnderTest(
  args: UnderTest & {
    folder: string | undefined;
    samples: readonly Sample[];
    isNeeded: boolean;
    warn: (message: string) => void;
    say: (text: string) => void;
    signal: AbortSignal;
  },
): Promise<OpenModel | null> {
  const { config, checkpoint, adapter, folder, isNeeded, warn, say, signal } = args;
  const { server } = config.evaluation;
  if (server === undefined) await bringModel(config.model.path);
  await claimFolder(folder!, await decisive(args));
  if (!isNeeded) return null;
  await ensureFfmpeg({ report: say });
  const cache = openFrameCache({ report: warn });
  const settings = config.data;
  if (server !== undefined) {
    const answerer = serverAnswerer({ server, settings, cache, warn, signal });
    return { answerer: answerer as Answerer, trim: () => {}, dispose: () => say(billText(answerer.bill())) };
  }
  await startRuntime({ report: say });
  const models = await openModels(await modelsOf({ config, checkpoint, adapter }));
  const answerer = policyAnswerer({ engine: localEngine(models), processor: models.processor, settings, cache, warn });
  return { answerer: answerer as Answerer, trim: () => models.trim(), dispose: () => models.dispose() };
}

/** An adapter stands beside the weights where it can, as in training. */
async function modelsOf({ config, checkpoint, adapter }: UnderTest): Promise<Parameters<typeof openModels>[0]> {
  if (adapter === undefined) return { config, withReference: false, checkpoint };
  const { lora: _, ...model } = config.model;
  const plan = await unmergedPlan(model.path, adapter);
  return { config: { model: { ...model, adapter }, seed: config.seed }, withReference: false, plan };
}

/** What decides about answers. */
async function decisive({
  config,
  checkpoint,
  adapter,
  samples,
}: UnderTest & { samples: readonly Sample[] }): Promise<Record<string, unknown>> {
  const { data, rollout, evaluation, model, seed } = config;
  const { prompt_templates, system_prompt, classes, video, image, max_prompt_length, past_the_end } = data;
  const { max_completion_length, batch_size, server } = evaluation;
  const inputs = server === undefined ? await readInputs({ samples, model: model.path }) : undefined;
  const weights = checkpoint ?? adapter;
  return {
    model:
      server === undefined
        ? { files: inputs!.model, dtype: model.dtype }
        : { server: server.base_url, model: server.model },
    ...(weights !== undefined && { weights: (await readInputs({ samples: [], model: weights })).model }),
    samples: inputs?.data ?? samples.map(({ id }) => id).length,
    prompts: { prompt_templates, system_prompt, classes, max_prompt_length, past_the_end },
    video,
    image,
    sampling: { ...rollout, max_completion_length: max_completion_length ?? rollout.max_completion_length },
    batch_size,
    seed,
  };
}
