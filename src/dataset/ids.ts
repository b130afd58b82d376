import { normalize, resolve } from 'node:path';
import type { TaskName } from '../config/task-names.js';

/** What of a source its samples' ids depend on. */
interface NamedSource {
  annotations: string;
  task?: TaskName;
}

/** The id of a sample: `key` is its row's own id, or its line. */
export type SampleId = (row: { key: string; task: TaskName }) => string;

/**
 * Makes the ids of a run's samples, for each source in turn: `<file>:<id or line>:<task>`. The file is named by its
 * last part, and by as many folders before it as tell it from the run's other files: ids stay what they are when the
 * files move together. They depend on nothing else of the data, above all not on which rows could be used. Where a file
 * is named again for the same task, the second source's ids end in `#2`, and so on.
 *
 * @param others further sources of the run, whose files must not be taken for these: the held-out ones beside those of
 *   training, and the other way round. A row that is in both is one sample, with one id.
 */
export function sampleIds({
  sources,
  others = [],
}: {
  sources: readonly NamedSource[];
  others?: readonly NamedSource[];
}): SampleId[] {
  const labels = fileLabels([...sources, ...others].map(({ annotations }) => annotations));
  return sources.map(({ annotations }, i) => {
    const file = resolve(annotations);
    const earlier = sources.slice(0, i).filter((other) => resolve(other.annotations) === file);
    return ({ key, task }) => {
      const times = 1 + earlier.filter((other) => other.task === undefined || other.task === task).length;
      return `${labels.get(file)!}:${key}:${task}${times > 1 ? `#${times}` : ''}`;
    };
  });
}

/** What to call each file, by its absolute path: the fewest last parts of its path that no other file ends in. */
function fileLabels(files: readonly string[]): Map<string, string> {
  const parts = new Map<string, string[]>();
  for (const file of files) {
    const path = resolve(file);
    if (!parts.has(path)) parts.set(path, normalize(file).replaceAll('\\', '/').split('/'));
  }
  const last = (path: string, count: number) => parts.get(path)!.slice(-count).join('/');
  const labels = [...parts].map(([path, { length }]): [string, string] => {
    const others = [...parts.keys()].filter((other) => other !== path);
    let count = 1;
    while (count < length && others.some((other) => last(other, count) === last(path, count))) count += 1;
    // A colon ends the name within an id.
    return [path, last(path, count).replace(/[%:]/g, encodeURIComponent)];
  });
  return new Map(labels);
}

/** What stands for each row in ids: its own id, else its line, marked where another row has that for its id. */
export function rowKeys(rows: readonly { id?: string; line: number }[]): string[] {
  const ids = new Set(rows.flatMap(({ id }) => id ?? []));
  return rows.map(({ id, line }) => {
    if (id !== undefined) return id;
    let key = String(line);
    while (ids.has(key)) key = `line ${key}`;
    return key;
  });
}
