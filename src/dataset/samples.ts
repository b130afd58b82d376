import type { TaskName } from '../config/task-names.js';
import { TASKS } from '../tasks/index.js';
import { taskNamed } from '../tasks/named.js';
import { type Annotation, type AnnotationFile, type LeftOut, oddParts, partValue } from './annotation.js';
import { rowKeys, type SampleId } from './ids.js';
import { LeftOutRows } from './left-out.js';
import { plainReasoning } from './reasoning.js';
import type { Sample } from './sample.js';
import type { Locate } from './videos.js';
import type { VisualFile } from './visual.js';

interface SelectOptions {
  annotations: AnnotationFile;
  /** Left out: each row serves its own task, or all that it has the parts for. */
  task?: TaskName;
  /** Finds the file that a name means. */
  locate: Locate;
  idOf: SampleId;
  /** Looks at the sample itself: the reason not to use it. */
  refuse?: (sample: Sample) => string | undefined;
}

/**
 * The samples that a file has for a task, and the rows that it cannot use. Where rows serve what they can, also their
 * parts that cannot be used although they are there.
 */
export function selectSamples({ annotations: { annotations }, task, locate, idOf, refuse }: SelectOptions): {
  samples: Sample[];
  leftOut: LeftOut[];
  unused: LeftOut[];
} {
  const leftOut = new LeftOutRows();
  const unused = new LeftOutRows();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  const keys = rowKeys(annotations);
  for (const [i, annotation] of annotations.entries()) {
    const row = annotation.line;
    const serves = tasksOf({ annotation, task });
    if ('problem' in serves) {
      leftOut.add({ reason: serves.problem, row });
      continue;
    }
    for (const reason of serves.unused) unused.add({ reason, row });
    const visuals = locateAll(annotation, locate);
    if ('problem' in visuals) {
      leftOut.add({ reason: visuals.problem, row });
      continue;
    }
    for (const name of serves.tasks) {
      const key = JSON.stringify([name, annotation.visuals, taskNamed(name).asked(annotation)]);
      const id = idOf({ key: keys[i]!, task: name });
      const sample = sampleOf({ annotation, task: name, id, visuals: visuals.files });
      const reason = seen.has(key) ? 'the same as an earlier row' : refuse?.(sample);
      if (reason === undefined) samples.push(sample);
      else leftOut.add({ reason, row });
      seen.add(key);
    }
  }
  return { samples, leftOut: leftOut.list(), unused: unused.list() };
}

/** All that a row shows, or why the first that is not found is not. */
function locateAll({ visuals }: Annotation, locate: Locate): { files: VisualFile[] } | { problem: string } {
  const files: VisualFile[] = [];
  for (const { kind, name, part } of visuals) {
    const found = locate({ kind, name });
    if ('problem' in found) return found;
    files.push({ kind, file: found.path, part });
  }
  return { files };
}

/** The tasks that a row serves, or why none. */
function tasksOf({
  annotation,
  task,
}: {
  annotation: Annotation;
  task?: TaskName;
}): { tasks: TaskName[]; unused: string[] } | { problem: string } {
  const wanted = task ?? annotation.task;
  if (wanted === undefined) {
    const tasks = TASKS.filter((one) => one.byDefault && one.problem(annotation) === undefined).map(({ name }) => name);
    const odd = oddParts(annotation);
    if (tasks.length > 0) return { tasks, unused: odd };
    return { problem: odd[0] ?? 'nothing that a task could ask for' };
  }
  if (annotation.task !== undefined && annotation.task !== wanted) return { problem: 'meant for another task' };
  const problem = taskNamed(wanted).problem(annotation);
  return problem === undefined ? { tasks: [wanted], unused: [] } : { problem };
}

interface SampleParts {
  annotation: Annotation;
  task: TaskName;
  id: string;
  visuals: VisualFile[];
}

function sampleOf({ annotation, task, id, visuals }: SampleParts): Sample {
  const choice = partValue(annotation.choice);
  return {
    id,
    task,
    visuals,
    question: choice?.question,
    options: choice?.options,
    answer: choice?.answer,
    segment: partValue(annotation.segment) ?? { kind: 'unknown' },
    class: partValue(annotation.class),
    // Of the tasks that have a use for it: the digest of other samples stays what it was.
    ...(taskNamed(task).usesKeyObject && { keyObject: annotation.keyObject }),
    ...(annotation.hardNormal && { hardNormal: true }),
    description: annotation.description,
    reasoning: annotation.reasoning === undefined ? undefined : plainReasoning(annotation.reasoning),
  };
}
