import type { JsonSchema } from './json-schema.js';

/**
 * Options that people bring from TRL, transformers, peft, VAU-R1 and other trainers, and what they are here. Those that
 * have the same name here in another place are not in this list: they are found.
 */
const ELSEWHERE: Record<string, string> = {
  model_name_or_path: 'it is model.path',
  model_name: 'it is model.path',
  model_path: 'it is model.path',
  pretrained_model_name_or_path: 'it is model.path',
  run_name: 'it is name',
  experiment_name: 'it is name',
  torch_dtype: 'it is model.dtype (auto, bfloat16 or float32)',
  bf16: 'it is model.dtype: bfloat16',
  fp16: 'there is no float16; take model.dtype: bfloat16',
  tf32: 'take model.dtype: float32 or bfloat16',
  use_peft: 'give a map model.lora to train an adapter; without it all weights are trained',
  peft_config: 'it is model.lora',
  lora_config: 'it is model.lora',
  lora_r: 'it is model.lora.r',
  lora_rank: 'it is model.lora.r',
  rank: 'it is model.lora.r',
  alpha: 'it is model.lora.lora_alpha',
  lora_target_modules: 'it is model.lora.target_modules',
  lora_dropout: 'adapters are trained without dropout; leave it out',
  freeze_vision_modules: 'it is model.freeze_vision',
  freeze_vision_tower: 'it is model.freeze_vision',
  load_in_4bit: 'quantized weights cannot be trained here; take model.dtype: bfloat16 and model.lora',
  load_in_8bit: 'quantized weights cannot be trained here; take model.dtype: bfloat16 and model.lora',
  dataset_name: 'it is data.train, a list of sources',
  dataset: 'it is data.train, a list of sources',
  train_file: 'it is data.train, a list of sources',
  validation_file: 'it is data.eval, a list of sources',
  eval_dataset: 'it is data.eval, a list of sources',
  nframes: 'it is data.video.max_frames',
  num_frames: 'it is data.video.max_frames',
  fps_max_frames: 'it is data.video.max_frames',
  video_max_pixels: 'it is data.video.max_pixels',
  max_new_tokens: 'it is rollout.max_completion_length',
  max_length: 'it is rollout.max_completion_length (tokens of a completion)',
  response_length: 'it is rollout.max_completion_length',
  group_size: 'it is rollout.num_generations',
  n_generations: 'it is rollout.num_generations',
  num_return_sequences: 'it is rollout.num_generations',
  do_sample: 'training always samples, evaluation never does; leave it out',
  use_vllm: 'completions are made in the process that trains; leave it out',
  reward_funcs: 'it is rewards, a list of {name, weight}',
  reward_weights: 'it is the weight of each element of rewards',
  kl_coef: 'it is grpo.beta',
  kl_penalty: 'it is grpo.beta',
  clip_range: 'it is grpo.epsilon',
  cliprange: 'it is grpo.epsilon',
  epsilon_low: 'it is grpo.epsilon',
  mu: 'it is grpo.num_iterations',
  per_device_train_batch_size: 'it is training.prompts_per_step, which counts prompts, not completions',
  train_batch_size: 'it is training.prompts_per_step, which counts prompts, not completions',
  batch_size: 'it is training.prompts_per_step, which counts prompts, not completions',
  generation_batch_size: 'it is training.prompts_per_step, which counts prompts, not completions',
  ppo_epochs: 'it is grpo.num_iterations',
  kl_loss_type: 'it is grpo.kl_estimator (k1: kl, k2: mse, k3: low_var_kl)',
  filter_groups: 'it is grpo.dynamic_sampling',
  online_filtering: 'it is grpo.dynamic_sampling',
  dynamic_sample: 'it is grpo.dynamic_sampling',
  overlong_filter: 'it is grpo.mask_truncated_completions',
  per_device_eval_batch_size: 'it is evaluation.batch_size',
  eval_batch_size: 'it is evaluation.batch_size',
  num_train_epochs: 'the length of a run is training.max_steps; train --dry-run tells how many epochs that is',
  num_epochs: 'the length of a run is training.max_steps; train --dry-run tells how many epochs that is',
  epochs: 'the length of a run is training.max_steps; train --dry-run tells how many epochs that is',
  steps: 'it is training.max_steps',
  lr: 'it is training.learning_rate',
  lr_scheduler: 'it is training.lr_scheduler_type',
  lr_scheduler_kwargs: 'the only one is training.min_lr_ratio',
  warmup_ratio: 'it is training.warmup_steps, in steps',
  min_lr: 'it is training.min_lr_ratio, a part of learning_rate',
  grad_accum_steps: 'it is training.gradient_accumulation_steps',
  grad_clip: 'it is training.max_grad_norm',
  gradient_clipping: 'it is training.max_grad_norm',
  optim: 'the optimizer is AdamW; leave it out',
  gradient_checkpointing: 'layers are always recomputed as memory asks for it; leave it out',
  attn_implementation: 'there is one attention; leave it out',
  deepspeed: 'a run is one process; leave it out',
  fsdp: 'a run is one process; leave it out',
  save_strategy: 'it is training.save_steps',
  eval_strategy: 'it is training.eval_steps',
  evaluation_strategy: 'it is training.eval_steps',
  logging_strategy: 'it is training.logging_steps',
  logging_dir: 'a run’s files are in output_dir',
  log_completions: 'completions.jsonl always has them; leave it out',
  report_to: 'metrics.jsonl in the run’s folder always has them; leave it out',
  resume_from_checkpoint: 'it is the flag --resume',
  overwrite_output_dir: 'a run never overwrites another; take another name or output_dir',
};

const plain = (key: string): string => key.toLowerCase().replaceAll(/[-_\s]/g, '');

const BY_PLAIN_NAME = new Map(Object.entries(ELSEWHERE).map(([key, hint]) => [plain(key), hint]));

/** What an option that is not known at its place is called, or where it stands, here; undefined if it is nowhere. */
export function whereItIs(key: string, schema: JsonSchema): string | undefined {
  const all = [...new Set(pathsTo(plain(key), schema, ''))];
  const outsideLists = all.filter((place) => !place.includes('[]'));
  const places = outsideLists.length > 0 ? outsideLists : all;
  return places.length === 0 ? BY_PLAIN_NAME.get(plain(key)) : `it is ${places.join(' or ')}`;
}

/** The paths of the options of that name: `training.learning_rate`, `rewards[].weight`. */
function pathsTo(name: string, node: JsonSchema, path: string): string[] {
  const variants = [node, ...(node.oneOf ?? []), ...(node.anyOf ?? [])];
  return variants.flatMap(({ properties = {}, items }) => [
    ...Object.entries(properties).flatMap(([key, inner]) => {
      const at = path === '' ? key : `${path}.${key}`;
      return [...(plain(key) === name ? [at] : []), ...pathsTo(name, inner, at)];
    }),
    ...(items === undefined ? [] : pathsTo(name, items, `${path}[]`)),
  ]);
}
