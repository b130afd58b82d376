import type { TaskName } from '../../src/config/task-names.js';
import type { Sample, Segment } from '../../src/dataset/sample.js';
import { judge } from '../../src/tasks/judge.js';
import { metricsOf } from '../../src/tasks/measure.js';
import type { JudgedPrediction, Task } from '../../src/tasks/task.js';
import { answering, grounding } from '../rewards/samples.js';

export const interval = (start: number, end: number): Segment => ({ kind: 'interval', start, end });
export const normal: Segment = { kind: 'normal' };

export const sampleOf = (task: TaskName, parts: Partial<Sample>): Sample => ({
  id: 'x',
  visuals: [{ kind: 'video', file: '/a.mp4' }],
  task,
  segment: { kind: 'unknown' },
  ...parts,
});

/** Predictions as answers (or, for tag, answer and span), beside what is right. */
export const judged = (
  task: TaskName,
  pairs: [Partial<Sample>, ...string[]][],
  classes: string[] = [],
): JudgedPrediction[] =>
  judge({
    predictions: pairs.map(([parts, answer, glue]) => ({
      sample: sampleOf(task, parts),
      text: glue === undefined ? answering(answer!) : grounding(answer!, glue),
    })),
    style: 'think',
    classes,
  });

/** What a task's measures say of answers. */
export const measured = (task: Task, answers: readonly JudgedPrediction[]): Record<string, number> =>
  metricsOf(task.measures(answers.map(({ sample }) => sample)), answers);
