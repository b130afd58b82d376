import type { ModelConfig } from '../model-folder/model-config.js';
import type { Grid } from './patches.js';
import type { Tokenizer } from './tokenizer.js';

/** What a family of models has of its own in a prompt. */
export interface FamilyPrompt<Config extends ModelConfig = ModelConfig> {
  /** The template of the published models, for folders without one, and whose it is. */
  readonly chatTemplate: { name: string; source: string };
  layout(args: { config: Config; tokenizer: Tokenizer }): PromptLayout;
}

/** A video of a prompt. */
export interface PlacedVideo {
  grid: Grid;
  /** Of its frames, in seconds from its start. */
  times: readonly number[];
}

/** Where the tokens of a prompt's videos stand. */
export interface PromptLayout {
  /**
   * @param template token ids of the chat template's text, with one video token for each video
   * @returns the prompt's, with as many video tokens as the tower gives
   * @throws DataError `PROMPT_INVALID` where the template has another number of videos
   */
  expand(template: Int32Array, videos: readonly PlacedVideo[]): Int32Array;
  /** @returns `[3, P]` row by row (time, height, width), and the first position after the prompt */
  positions(tokenIds: Int32Array, videos: readonly PlacedVideo[]): { positions: Int32Array; nextPosition: number };
}
