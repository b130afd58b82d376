import type { TaskName } from '../config/task-names.js';
import type { Sample, Segment } from '../dataset/sample.js';
import { groupBy } from '../system/group-by.js';
import { parseCompletion } from '../tasks/completion.js';
import type { ParsedCompletion, PromptStyle } from '../tasks/task.js';
import type { Answers } from './answers.js';
import { type FrameSettings, voteScores } from './frame-scores.js';
import { ANSWER, VOTES } from './trials.js';

/** What a model says of a video. Null: it was asked, and its answer cannot be read. */
export interface InferenceLine {
  /** Absolute path. */
  video: string;
  /** tag: `Anomaly` or `Normal`. */
  answer?: string | null;
  /** tag: `[start, end]` in seconds, or `normal`. */
  segment?: [number, number] | 'normal' | null;
  class?: string | null;
  description?: string | null;
  /** The share of drawn segments that cover each frame, `fps` to a second. */
  frame_scores?: { fps: number; scores: number[] };
  /** What it wrote, task by task. */
  texts: Partial<Record<TaskName, string>>;
  /** Why there is no answer. */
  left_out?: string;
}

/** A line for each video, in their order. */
export function inferenceLines(args: {
  files: readonly string[];
  samples: readonly Sample[];
  answers: Answers;
  style: PromptStyle;
  classes: readonly string[];
  /** Seconds, where votes were drawn. */
  durationOf: (sample: Sample) => number | undefined;
  frames: FrameSettings;
}): InferenceLine[] {
  const { files, samples, answers, style, classes, durationOf, frames } = args;
  const byFile = groupBy(samples, ({ visuals }) => visuals[0]!.file);
  return files.map((video) => {
    const line: InferenceLine = { video, texts: {} };
    for (const sample of byFile.get(video) ?? []) {
      const [answer] = answers.of({ name: ANSWER, style, sample });
      if (answer === undefined) {
        line.left_out ??= answers.leftOut({ name: ANSWER, style, sample });
        continue;
      }
      const read = (text: string) => parseCompletion({ text, sample, style, classes });
      line.texts[sample.task] = answer.text;
      Object.assign(line, saidOf(sample.task, read(answer.text)));
      const votes = answers.of({ name: VOTES, style, sample });
      const duration = durationOf(sample);
      if (votes.length === 0 || duration === undefined) continue;
      const segments = votes.map(({ text }) => read(text).interval);
      const scores = voteScores({ segments, duration, settings: frames });
      line.frame_scores = { fps: scores.length / duration, scores: scores.map((score) => Number(score.toFixed(4))) };
    }
    return line;
  });
}

function saidOf(task: TaskName, { answer, interval }: ParsedCompletion): Partial<InferenceLine> {
  if (task === 'tag') return { answer: answer ?? null, segment: spanOf(interval) };
  if (task === 'cls') return { class: answer ?? null };
  return { description: answer ?? null };
}

function spanOf(segment: Segment | undefined): [number, number] | 'normal' | null {
  if (segment?.kind === 'interval') return [segment.start, segment.end];
  return segment?.kind === 'normal' ? 'normal' : null;
}
