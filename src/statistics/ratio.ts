import { mean } from './moments.js';

/** The part of the items that a test holds for; NaN of none. */
export const ratio = <T>(items: readonly T[], holds: (item: T) => boolean): number =>
  mean(items.map((item) => Number(holds(item))));

/** `accuracy/<group>` for each group of items, in the order of their first occurrence. */
export function ratioByGroup<T>({
  items,
  group,
  holds,
}: {
  items: readonly T[];
  group: (item: T) => string;
  holds: (item: T) => boolean;
}): Record<string, number> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const members = groups.get(group(item));
    if (members) members.push(item);
    else groups.set(group(item), [item]);
  }
  return Object.fromEntries([...groups].map(([name, members]) => [name, ratio(members, holds)]));
}
