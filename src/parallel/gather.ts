import type { ProcessGroup } from './process-group.js';

/** What each process says, by rank: anything that JSON can hold. Typed arrays come back from others as lists. */
export async function gatherJson<T>(group: ProcessGroup, value: T): Promise<T[]> {
  if (group.size === 1) return [value];
  const plain = (_: string, item: unknown) => (ArrayBuffer.isView(item) ? Array.from(item as Float32Array) : item);
  const all = await group.gather(Float64Array.from(Buffer.from(JSON.stringify(value, plain))));
  return all.map((bytes) => JSON.parse(Buffer.from(bytes).toString()));
}

/** What the first process says. */
export async function fromFirst<T>(group: ProcessGroup, value: T): Promise<T> {
  const [first] = await gatherJson(group, group.rank === 0 ? value : null);
  return first as T;
}

/** Whether one of the processes says so. */
export async function anyOf(group: ProcessGroup, condition: boolean): Promise<boolean> {
  const all = await group.gather(Float64Array.of(Number(condition)));
  return all.some(([said]) => said === 1);
}

/** Sums over the processes, added by rank. Each gives as many values. */
export async function sumOver(group: ProcessGroup, values: readonly number[]): Promise<number[]> {
  const all = await group.gather(Float64Array.from(values));
  return values.map((_, i) => all.reduce((sum, own) => sum + own[i]!, 0));
}

/** Returns when all processes have come here. */
export async function barrier(group: ProcessGroup): Promise<void> {
  await group.gather(new Float64Array(0));
}
