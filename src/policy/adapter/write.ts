import type { TensorSource } from '../../model-folder/safetensors.js';
import { toPeftName } from './names.js';
import { type LoraSettings, targetsOf } from './plan.js';

/** `adapter_config.json` as peft writes it. A frozen tower has layers of the same names; peft must leave them alone. */
export function adapterConfigText(args: { lora: LoraSettings; freezesVision: boolean; baseModel: string }): string {
  const { lora, baseModel } = args;
  const { target_modules, exclude_modules, modules_to_save } = targetsOf(args);
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel,
    r: lora.r,
    lora_alpha: lora.lora_alpha,
    lora_dropout: 0,
    target_modules,
    exclude_modules: exclude_modules.length === 0 ? null : exclude_modules,
    rank_pattern: lora.rank_pattern ?? {},
    alpha_pattern: lora.alpha_pattern ?? {},
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: lora.use_rslora ?? false,
    use_dora: false,
    modules_to_save: modules_to_save.length === 0 ? null : modules_to_save,
    inference_mode: true,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Tensors of an adapter under peft's names. */
export const peftTensors = (tensors: readonly TensorSource[]): TensorSource[] =>
  tensors.map((tensor) => ({ ...tensor, name: toPeftName(tensor.name) }));
