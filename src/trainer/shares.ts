import { gatherJson } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import { chunks } from './update.js';

/** A list with an item for each of this process's samples, put together with those of the others, by rank. */
export async function allShares<T>(group: ProcessGroup, own: T[]): Promise<T[]> {
  return (await gatherJson(group, own)).flat();
}

/** This process's part of what `allShares` put together. */
export function ownShare<T>(group: ProcessGroup, all: T[]): T[] {
  return chunks(all, group.size)[group.rank]!;
}
