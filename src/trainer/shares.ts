import { gatherJson } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import { commonAnswer } from '../tasks/judge.js';
import type { StepContext } from './context.js';
import { isGarbled } from './garbled.js';
import { hasNoSpread, type JudgedGroup } from './judged-group.js';
import { chunks } from './update.js';

/** A list with an item for each of this process's samples, put together with those of the others, by rank. */
export async function allShares<T>(group: ProcessGroup, own: T[]): Promise<T[]> {
  return (await gatherJson(group, own)).flat();
}

/** This process's part of what `allShares` put together. */
export function ownShare<T>(group: ProcessGroup, all: T[]): T[] {
  return chunks(all, group.size)[group.rank]!;
}

/** What the processes have to know of each other's groups. */
export const shareOf =
  ({ config, classes }: Pick<StepContext, 'config' | 'classes'>) =>
  ({ sample, prompt, completions, texts, scores, isGuided = false }: JudgedGroup) => ({
    id: sample.id,
    isGuided,
    task: sample.task,
    scores,
    lengths: completions.map(({ tokenIds }) => tokenIds.length),
    truncated: completions.map(({ truncated }) => truncated),
    garbled: texts.map(isGarbled),
    promptTokens: prompt.tokenIds.length,
    /** Of a group without a spread of rewards: what all of its completions answer. */
    dead: hasNoSpread(scores) ? commonAnswer({ sample, texts, style: config.data.prompt, classes }) : null,
  });

export type GroupShare = ReturnType<ReturnType<typeof shareOf>>;
