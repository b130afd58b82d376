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

/** Whether a weight is of a module that `modules_to_save` names: peft goes by the ends of modules' names. */
export const isInModule = (args: { module: string; weight: string; style: ModuleStyle }): boolean =>
  ancestors(moduleName(args.weight, args.style)).some((name) => name.endsWith(args.module));

/** `a.b.c` → `a`, `a.b` */
function ancestors(name: string): string[] {
  const parts = name.split('.');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'));
}
