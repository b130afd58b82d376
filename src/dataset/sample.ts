import type { TaskName } from '../config/task-names.js';
import type { VisualFile } from './visual.js';

export type OptionLetter = 'A' | 'B' | 'C' | 'D';

/** What the annotation says about time. `unknown` is not `normal`: nobody wrote down when the anomaly happens. */
export type Segment =
  /** Seconds from the start of the video (of its part, where only a part is shown), `start < end`. */
  { kind: 'interval'; start: number; end: number } | { kind: 'normal' } | { kind: 'unknown' };

/** One annotated question about a video, or about several videos and pictures. A field that the annotation lacks is undefined. */
export interface Sample {
  /** Unique in a run, and the same in every run of the same files: see `sampleIds`. */
  id: string;
  task: TaskName;
  /** What it asks about, in the order of the prompt. */
  visuals: VisualFile[];
  question?: string;
  options?: [string, string, string, string];
  answer?: OptionLetter;
  segment: Segment;
  /** One of the 20 labels (19 anomaly classes and `Normal`) of VAU-Bench, or of the source's own list. */
  class?: string;
  /** reasoning: what the anomaly is about, one or several phrases with commas between. */
  keyObject?: string;
  /** Nothing abnormal happens, and it looks as if: what a detector that goes by the scene takes for an anomaly. */
  hardNormal?: true;
  description?: string;
  reasoning?: string;
}
