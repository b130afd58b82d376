import type { TaskName } from '../config/task-names.js';

export type OptionLetter = 'A' | 'B' | 'C' | 'D';

/** What the annotation says about time. `unknown` is not `normal`: nobody wrote down when the anomaly happens. */
export type Segment =
  /** Seconds from the start of the video, `start < end`. */
  { kind: 'interval'; start: number; end: number } | { kind: 'normal' } | { kind: 'unknown' };

/** One annotated question about one video. A field that the annotation lacks is undefined. */
export interface Sample {
  /** Unique in a run, and the same in every run of the same files: see `sampleIds`. */
  id: string;
  task: TaskName;
  /** Absolute path of the video file. */
  video: string;
  question?: string;
  options?: [string, string, string, string];
  answer?: OptionLetter;
  segment: Segment;
  /** One of the 20 labels (19 anomaly classes and `Normal`) of VAU-Bench, or of the source's own list. */
  class?: string;
  description?: string;
  reasoning?: string;
}
