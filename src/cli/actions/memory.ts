import { readFileSync } from 'node:fs';

/** What takes less memory. */
export const MEMORY_REMEDY =
  'smaller or fewer frames (data.video.max_pixels, data.video.max_frames), fewer or shorter completions (rollout.num_generations, rollout.max_completion_length), fewer prompts at once (training.prompts_per_step, training.gradient_accumulation_steps, evaluation.batch_size), an adapter (model.lora) or bfloat16 (model.dtype); `train --dry-run` says what a config takes.';

/** TensorFlow, V8, WebAssembly and the system each have their own words for it, and none has a code that reaches us. */
export const isOutOfMemory = (error: Error): boolean =>
  /OOM when allocating|resource_?exhausted|out.of.memory|bad_alloc|(could not|cannot|failed to) allocate|allocation failed|ENOMEM/i.test(
    `${(error as NodeJS.ErrnoException).code} ${error.message}`,
  );

/**
 * How many processes the system has killed for want of memory so far: in our control group (a container, a job), or on
 * the whole machine where no group tells.
 */
export function killsForMemory(): number {
  const groups = readText('/proc/self/cgroup');
  const unified = /^0::(.*)$/m.exec(groups)?.[1] ?? '';
  const memory = /^\d+:memory:(.*)$/m.exec(groups)?.[1] ?? '';
  const counters = [
    `/sys/fs/cgroup${unified}/memory.events`,
    '/sys/fs/cgroup/memory.events',
    `/sys/fs/cgroup/memory${memory}/memory.oom_control`,
    '/sys/fs/cgroup/memory/memory.oom_control',
    '/proc/vmstat',
  ];
  const counts = counters.map((file) => /^oom_kill (\d+)$/m.exec(readText(file))?.[1]);
  return Number(counts.find((count) => count !== undefined) ?? 0);
}

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};
