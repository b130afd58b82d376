/** Options of the learning rate, named as in the config's `training`. */
export interface ScheduleOptions {
  learning_rate: number;
  lr_scheduler_type: 'linear' | 'cosine' | 'constant' | 'constant_with_warmup';
  warmup_steps: number;
  max_steps: number;
  /** linear and cosine end at learning_rate · min_lr_ratio. */
  min_lr_ratio: number;
}

/** The learning rate of step `step` (the first is 1), as transformers' schedules of the same names give it. */
export function learningRate(options: ScheduleOptions, step: number): number {
  const { learning_rate, lr_scheduler_type, warmup_steps, max_steps, min_lr_ratio } = options;
  if (lr_scheduler_type === 'constant') return learning_rate;
  const done = step - 1;
  if (done < warmup_steps) return (learning_rate * done) / warmup_steps;
  if (lr_scheduler_type === 'constant_with_warmup') return learning_rate;
  const progress = (done - warmup_steps) / Math.max(1, max_steps - warmup_steps);
  const factor = lr_scheduler_type === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return learning_rate * (min_lr_ratio + (1 - min_lr_ratio) * Math.max(0, factor));
}
