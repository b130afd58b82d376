import { readFile, rm } from 'node:fs/promises';
import type { Config } from '../config/schema.js';
import type { RunFolder } from '../run/run-folder.js';
import { writeAtomically } from '../system/atomic-write.js';
import { type Best, BestCheckpoint } from './best-checkpoint.js';
import { checkpointName, checkpointSteps } from './checkpoint.js';
import type { RunState } from './run-state.js';

/** What `best.json` says: which checkpoint of the run to take. */
interface BestRecord {
  step: number;
  /** Its folder, from that of the run. */
  checkpoint: string;
  reward: number;
  by: Best['by'];
}

/** The best checkpoint as far as it is known; null where nobody wants it kept. */
export async function openBest(args: {
  config: Config;
  folder: RunFolder;
  state: RunState['best'];
  warn: (message: string) => void;
}): Promise<BestCheckpoint | null> {
  const { config, folder, state, warn } = args;
  const best = config.training.save_best ? new BestCheckpoint(state) : null;
  const before = best?.best?.step;
  best?.keepOnly(await checkpointSteps(folder.checkpoints));
  if (before !== best?.best?.step) warn(`the best checkpoint so far, that of step ${before}, is not there any more`);
  await writeBest({ best, folder });
  return best;
}

/** Keeps `best.json`. */
export async function writeBest({ best, folder }: { best: BestCheckpoint | null; folder: RunFolder }): Promise<void> {
  const found = best?.best ?? null;
  if (found === null) return rm(folder.best, { force: true });
  const { step, value, by } = found;
  const record: BestRecord = { step, checkpoint: `checkpoints/${checkpointName(step)}`, reward: value, by };
  await writeAtomically({ file: folder.best, text: `${JSON.stringify(record, null, 2)}\n` });
}

/** `; best: checkpoints/step-000100 (held-out reward 1.42)`, or nothing. */
export async function bestText(folder: RunFolder): Promise<string> {
  const text = await readFile(folder.best, 'utf8').catch(() => undefined);
  if (text === undefined) return '';
  const { checkpoint, reward, by } = JSON.parse(text) as BestRecord;
  return `; best: ${checkpoint} (${by} reward ${Number(reward.toPrecision(3))})`;
}
