import { barrier } from '../parallel/gather.js';
import { Interrupted } from '../system/interrupted.js';
import { trainSteps } from './loop.js';
import { openRun, type RunOptions, type RunParts } from './open-run.js';
import { Saving } from './saving.js';

/** How a run ended: `restart` wants to be resumed by a new process. */
export type RunEnd = 'done' | 'interrupted' | 'restart';

/** Trains as the config says, from the start or from a checkpoint, to the end or to an interruption. */
export async function run(options: RunOptions): Promise<RunEnd> {
  const { group } = options;
  try {
    const parts = await openRun(options);
    const saving = group.rank === 0 ? await Saving.open(parts) : null;
    const end = await train(parts, saving);
    // Nobody leaves before all is written.
    await barrier(group);
    return end;
  } catch (error) {
    group.fail(error);
    throw error;
  }
}

async function train(parts: RunParts, saving: Saving | null): Promise<RunEnd> {
  const { config, context, standing, progress, profile } = parts;
  progress.start(config.training.max_steps, config.name, standing.step);
  try {
    return await trainSteps(parts, saving);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    await saving?.saveLast();
    return 'interrupted';
  } finally {
    progress.stop();
    profile?.end();
    await saving?.records.close();
    await context.verdicts?.close();
    await context.rollouts?.close();
    await context.rewards.close();
    await context.engine.close();
    context.optimizer.dispose();
    context.models.dispose();
  }
}
