import { canonicalTensorName, nestedTensorName } from '../../model-folder/tensor-names.js';

/** peft's layout: what `PeftModel.save_pretrained` writes and `PeftModel.from_pretrained` reads. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
export const ADAPTER_CONFIG = 'adapter_config.json';

/** What peft puts before the names of the model that it wraps. */
const WRAPPER = 'base_model.model.';

/**
 * Since transformers 4.52 the decoder's modules are `model.language_model.…` and the tower's `model.visual.…`; before,
 * they had the names of the published checkpoints. An adapter speaks of modules as they were called where it was made.
 */
export type ModuleStyle = 'nested' | 'flat';

/** A module's (or tensor's) name in memory, from its name in a checkpoint. */
export const moduleName = (name: string, style: ModuleStyle): string =>
  style === 'flat' ? name : nestedTensorName(name);

export const toPeftName = (name: string): string => `${WRAPPER}${moduleName(name, 'nested')}`;

/** Undefined for a name that peft does not write. */
export const fromPeftName = (name: string): string | undefined =>
  name.startsWith(WRAPPER) ? canonicalTensorName(name.slice(WRAPPER.length)) : undefined;

export const styleOf = (tensorNames: Iterable<string>): ModuleStyle =>
  [...tensorNames].some((name) =>
    /^base_model\.model\.(model\.layers|model\.embed_tokens|model\.norm|visual)\./.test(name),
  )
    ? 'flat'
    : 'nested';
