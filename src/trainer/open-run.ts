import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { fixedOptions } from '../config/resume.js';
import type { Config } from '../config/schema.js';
import { labelsOf } from '../dataset/classes.js';
import { loadSources } from '../dataset/load.js';
import type { Sample } from '../dataset/sample.js';
import type { Answerer } from '../evaluation/answerer.js';
import { policyAnswerer } from '../evaluation/answerers/policy.js';
import { heldOutSamples } from '../evaluation/held-out.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { fromFirst } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import { readModelConfig } from '../policy/families/read-config.js';
import type { Prompt } from '../prompt/prompt.js';
import { changedPromptMaker, promptMaker } from '../prompt/sample-prompt.js';
import { idleRewards } from '../rewards/idle.js';
import { Rewards } from '../rewards/rewards.js';
import { localEngine } from '../rollout/engines/local.js';
import type { Progress } from '../run/progress.js';
import type { RunFolder } from '../run/run-folder.js';
import { RunError } from '../system/errors.js';
import { once } from '../system/once.js';
import type { Profile } from '../system/profile.js';
import { activeBackend } from '../tensor/active.js';
import { openFrameCache } from '../video/frame-cache.js';
import { type Common, commonOf, gatherAlike } from './agreement.js';
import { Ahead } from './ahead.js';
import type { Checkpoint } from './checkpoint.js';
import type { StepContext } from './context.js';
import type { DataStream } from './data-stream.js';
import { Health } from './health.js';
import { readInputs } from './inputs.js';
import { checkMemory } from './memory.js';
import { type Models, needsReference, openModels, resolveType } from './models.js';
import { openStream } from './open-stream.js';
import { AdamW } from './optimizer.js';
import { noteChanges } from './resume.js';
import { RolloutLog } from './rollout-log.js';
import type { Inputs, RunState } from './run-state.js';
import { restoreTraining, takeFromFirst } from './training-files.js';
import { VerdictLog } from './verdict-log.js';

/** What a run is made of. */
export interface RunOptions {
  config: Config;
  folder: RunFolder;
  /** Where to go on, for the first process, which tells the others; null for a fresh run. */
  checkpoint: Checkpoint | null;
  log: Logger;
  progress: Progress;
  /** Aborted: finish the step, save, leave. */
  signal: AbortSignal;
  /** The processes that make the run, each with its own call. */
  group: ProcessGroup;
  /** Go on from the checkpoint although the data or the model have changed since. */
  acceptChanges?: boolean;
  handleLimit?: number;
  /** Takes the times of the run's first steps. */
  profile?: Profile;
}

/** What a run works with, from its opening to its end. */
export interface RunParts extends RunOptions {
  /** Steps that were made before. */
  start: number;
  context: StepContext;
  /** The training samples, and the held-out ones. */
  samples: Sample[];
  held: Sample[];
  stream: DataStream;
  ahead: Ahead;
  /** Answers held-out samples. */
  heldAnswerer: Answerer<Prompt>;
  health: Health;
  inputs: Inputs;
  changes: RunState['changes'];
  /** What all processes have to agree about. */
  common: Common;
  /** Where it stands. */
  standing: { step: number; badSteps: number; totals: RunState['totals'] };
  /** Says each thing once. */
  warn: (message: string) => void;
}

/** Loads data and models, from the start or from a checkpoint. Nothing is written yet. */
export async function openRun(options: RunOptions): Promise<RunParts> {
  const { config, log, signal } = options;
  checkShares(options);
  const warn = once((message) => log.warn(message));
  const sources = await loadSources({ data: config.data, split: 'train', log: warn });
  const samples = sources.flat();
  if (config.method === 'grpo') idleRewards({ terms: config.rewards, samples }).forEach(warn);
  const held = await heldOutSamples({ config, warn });
  // What cannot be asked is told before the model is loaded.
  const rewards = await Rewards.open({
    terms: config.rewards,
    rollout: config.rollout,
    judge: config.judge,
    signal,
    say: (message) => log.info(message),
  });
  try {
    return await openParts({ ...options, sources, samples, held, rewards, warn });
  } catch (error) {
    await rewards.close();
    throw error;
  }
}

async function openParts(
  opened: RunOptions & Pick<RunParts, 'samples' | 'held' | 'warn'> & { sources: Sample[][]; rewards: Rewards },
): Promise<RunParts> {
  const { sources, samples, held, rewards, warn, ...options } = opened;
  const { config, folder, checkpoint, log, group, acceptChanges = false } = options;
  const state = await fromFirst(group, checkpoint?.state ?? null);
  const start = state?.step ?? 0;
  const inputs = await readInputs({ samples, model: config.model.path });
  const common = commonOf({ group, options: fixedOptions(config), inputs });
  await gatherAlike({ group, common, said: {} });
  const from = checkpoint?.folder ?? 'the checkpoint';
  const changes = state === null ? [] : noteChanges({ state, from, config, inputs, acceptChanges, warn });
  await checkFit(config);
  const models = await openModels({
    config,
    withReference: needsReference(config),
    checkpoint: checkpoint?.folder,
  });
  const optimizer = new AdamW({ parameters: models.policy.parameters, options: config.training });
  if (checkpoint !== null) await restoreTraining({ models, optimizer, config, checkpoint });
  await takeFromFirst({ group, models, optimizer, config, optimizerStep: state?.optimizer_step ?? 0 });
  const verdicts = rewards.isPure ? null : await VerdictLog.open({ file: folder.verdicts, group, step: start });
  const engine = await openEngine({ ...options, models, start: state === null ? -1 : start });
  const rollouts = isLocal(config) ? null : await RolloutLog.open({ file: folder.rollouts, group, step: start + 1 });
  const shown = {
    processor: models.processor,
    settings: config.data,
    keepsShown: !isLocal(config),
    cache: openFrameCache({ report: warn }),
    warn,
  };
  return {
    ...options,
    // What all find out alike is told once.
    log: group.rank === 0 ? log : log.child({}, { level: 'silent' }),
    start,
    context: {
      config,
      models,
      engine,
      rewards,
      verdicts,
      rollouts,
      prepareChanged: changedPromptMaker(shown),
      optimizer,
      classes: labelsOf(config.data),
      group,
    },
    samples,
    held,
    stream: openStream({
      config,
      sources,
      curriculum: state?.curriculum,
      position: state?.data_position ?? 0,
      prepare: promptMaker({ ...shown, learnsAnswers: config.method === 'sft' }),
      group,
      log: warn,
    }),
    heldAnswerer: policyAnswerer({ ...shown, engine }),
    ahead: new Ahead(),
    health: new Health({ options: { ...config.training, ...config.rollout }, state: state?.health }),
    inputs,
    changes,
    common: { ...common, weights: models.policy.parameters.trainableNames.length },
    standing: { step: start, badSteps: state?.bad_steps ?? 0, totals: { ...(state?.totals ?? { num_tokens: 0 }) } },
    warn,
  };
}

/** @throws RunError `RUN_SHARES` */
function checkShares({ config, group }: RunOptions): void {
  const { prompts_per_step: prompts, gradient_accumulation_steps } = config.training;
  const parts = config.grpo.steps_per_generation ?? gradient_accumulation_steps;
  if (prompts % (parts * group.size) === 0) return;
  const message = `training.prompts_per_step (${prompts}) must be a multiple of its micro-batches (${parts}: grpo.steps_per_generation, else training.gradient_accumulation_steps) times the number of processes (${group.size})`;
  throw new RunError({ code: 'RUN_SHARES', message });
}

const isLocal = ({ rollout }: Config): boolean => rollout.engine.name === 'local';

/** What makes completions. */
async function openEngine(args: Pick<RunOptions, 'config' | 'folder' | 'signal'> & { models: Models; start: number }) {
  const { config, folder, signal, models, start } = args;
  const { engine: options } = config.rollout;
  if (options.name === 'local') return localEngine(models);
  const { openaiEngine } = await import('../rollout/engines/openai/engine.js');
  // Runs of one name may share a server.
  const name = `${config.name}-${createHash('sha256').update(folder.path).digest('hex').slice(0, 6)}`;
  return openaiEngine({ options, processor: models.processor, name, folder: folder.adapters, start, signal });
}

/** @throws RunError `MEMORY_TOO_SMALL` */
async function checkFit(config: Config): Promise<void> {
  const model = await readModelConfig(await modelFolder(config.model.path));
  const type = await resolveType(config.model.dtype);
  checkMemory({ config, model, type, usesGpu: activeBackend().usesGpu });
}
