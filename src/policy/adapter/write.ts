import type { TensorSource } from '../../model-folder/safetensors.js';
import type { LoraSettings } from '../lora.js';
import { toPeftName } from './names.js';

/** `adapter_config.json` as peft writes it. */
export function adapterConfigText({ lora, baseModel }: { lora: LoraSettings; baseModel: string }): string {
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel,
    r: lora.r,
    lora_alpha: lora.lora_alpha,
    lora_dropout: 0,
    target_modules: [...lora.target_modules],
    // The vision tower has layers of the same kind; peft must leave them alone.
    exclude_modules: '.*visual.*',
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
    inference_mode: true,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Tensors of an adapter under peft's names. */
export const peftTensors = (tensors: readonly TensorSource[]): TensorSource[] =>
  tensors.map((tensor) => ({ ...tensor, name: toPeftName(tensor.name) }));
