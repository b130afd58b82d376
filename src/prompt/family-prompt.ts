import type { ModelConfig } from '../model-folder/model-config.js';
import type { VideoProcessorDefaults } from '../model-folder/video-processor-config.js';
import type { VisionBlock } from './vision-blocks.js';
import type { Visual } from './visual.js';

/** What a family of models has of its own in a prompt. */
export interface FamilyPrompt<Config extends ModelConfig = ModelConfig> {
  /** The template of the published models, for folders without one, and whose it is. */
  readonly chatTemplate: { name: string; source: string };
  /** How frames become patches, for folders that do not say. */
  readonly processor: VideoProcessorDefaults;
  /** How the tokens of a picture or a video stand in the prompt, and when its slices are. */
  blocks(args: { visual: Pick<Visual, 'kind' | 'grid' | 'times'>; config: Config }): VisionBlock[];
}
