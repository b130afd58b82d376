/**
 * Hugging Face has two sets of names for the tensors of Qwen2-VL: those of the published checkpoints
 * (`model.layers.0.…`, `visual.blocks.0.…`), which `save_pretrained` of transformers 5 writes as well, and those of
 * the modules in memory since 4.52 (`model.language_model.layers.0.…`, `model.visual.blocks.0.…`), which some tools
 * save as they are. Everything here uses the first.
 */
export function canonicalTensorName(name: string): string {
  if (name.startsWith('model.language_model.')) return `model.${name.slice('model.language_model.'.length)}`;
  if (name.startsWith('model.visual.')) return name.slice('model.'.length);
  return name;
}
