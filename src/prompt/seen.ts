import type { Frames } from '../video/frames.js';
import type { Visual } from './visual.js';

/** What was read for a prompt: the frames of a video, or a picture as the only one. */
export interface Seen {
  kind: Visual['kind'];
  frames: Frames;
  /** Names file and settings: equal keys must mean equal frames. */
  key?: string;
}
