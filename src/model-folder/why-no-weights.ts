import { readdir } from 'node:fs/promises';

/** What a folder without weights has instead, by its names, and the way from there. The first that fits is told. */
const KINDS: [name: RegExp, what: (name: string) => string][] = [
  [
    /^model\.safetensors(\.index\.json)?$/,
    (name) => `${name} is a link to a file that is not there: fetch the model again`,
  ],
  [
    /^model-\d+-of-\d+\.safetensors$/,
    (name) => `it has shards (${name}), but not the index that lists them: fetch the model again`,
  ],
  [
    /^adapter_model\.safetensors$/,
    (name) => `${name} is an adapter: give the model that it was trained on, and this folder as the adapter`,
  ],
  [
    /^(pytorch_model.*\.bin|.*\.(pt|pth|ckpt))$/,
    (name) =>
      `it has PyTorch's own files (${name}), and weights are read from safetensors only: load the model with transformers' from_pretrained and write it with save_pretrained`,
  ],
  [
    /^(zero_to_fp32\.py|global_step\d+|pytorch_model_fsdp_\d+)$/,
    (name) =>
      `it is a trainer's checkpoint whose weights lie in parts (${name}): put them together first (DeepSpeed: \`python zero_to_fp32.py . . --safe_serialization\`)`,
  ],
  [/\.gguf$/, (name) => `${name} is llama.cpp's format: fetch the model's safetensors`],
  [
    /^.+\.safetensors$/,
    (name) => `it has ${name}: weights are looked for under the names that save_pretrained gives them`,
  ],
  [
    /^(checkpoint-\d+|step-\d{6,}|checkpoints)$/,
    (name) => `it looks like the folder of a run: give a checkpoint inside of it (${name})`,
  ],
];

export async function whyNoWeights(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).sort().reverse();
  for (const [pattern, what] of KINDS) {
    const name = names.find((candidate) => pattern.test(candidate));
    if (name !== undefined) return what(name);
  }
  return 'give a model folder in Hugging Face layout (weights are read from safetensors only)';
}
