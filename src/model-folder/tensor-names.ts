/**
 * Hugging Face has two sets of names for the tensors of these models: those of the checkpoints published for Qwen2-VL and
 * Qwen2.5-VL (`model.layers.0.…`, `visual.blocks.0.…`), and those of the modules in memory since transformers 4.52
 * (`model.language_model.layers.0.…`, `model.visual.blocks.0.…`), which the checkpoints of Qwen3-VL have and which some
 * tools save for all. Everything here uses the first.
 */
export function canonicalTensorName(name: string): string {
  if (name.startsWith('model.language_model.')) return `model.${name.slice('model.language_model.'.length)}`;
  if (name.startsWith('model.visual.')) return name.slice('model.'.length);
  return name;
}

/** The way back: the name of a module, or of its tensor, in memory. */
export const nestedTensorName = (name: string): string =>
  name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.');
