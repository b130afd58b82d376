import type { ModelConfig } from '../../model-folder/model-config.js';
import { loadProcessor, type Processor } from '../../prompt/processor.js';
import type { Family } from './family.js';
import { FAMILIES } from './index.js';

/** The family that a config was read by. */
export const familyOf = ({ modelType }: Pick<ModelConfig, 'modelType'>): Family =>
  FAMILIES.find((family) => family.modelType === modelType)!;

/** A `config.json` of ours. @throws ZodError for one that does not fit its family */
export const parseModelConfig = (json: { model_type: string }): ModelConfig =>
  familyOf({ modelType: json.model_type }).schema.parse(json);

/** Every weight of a model with its shape, in the published checkpoints' names and the order of the forward. */
export const weightShapes = (config: ModelConfig): Map<string, number[]> => familyOf(config).weightShapes(config);

/** A weight's name in a checkpoint, see `Family`. */
export const checkpointName = (config: ModelConfig, name: string): string => familyOf(config).checkpointName(name);

/** A model folder's processor, see `loadProcessor`. */
export const openProcessor = ({ folder, config }: { folder: string; config: ModelConfig }): Promise<Processor> =>
  loadProcessor({ folder, config, family: familyOf(config).prompt });
