import type { Config } from '../../config/schema.js';
import { describeLeftOutSamples } from '../../prompt/usable-samples.js';
import { formatBytes } from '../../system/bytes.js';
import { formatSeconds } from '../../system/duration.js';
import { memoryLimit } from '../../system/memory-limit.js';
import { once } from '../../system/once.js';
import { startRuntime } from '../../tensor/runtime.js';
import { resolveType } from '../../trainer/models.js';
import { type Plan, planRun } from '../../trainer/plan.js';
import type { Survey } from '../../trainer/survey.js';

/** Prints what `train` would do. */
export async function printPlan(config: Config): Promise<void> {
  const warn = once((message) => void process.stderr.write(`warning: ${message}\n`));
  const backend = await startRuntime({ report: (line) => void process.stderr.write(`${line}\n`) });
  const type = await resolveType(config.model.dtype);
  const plan = await planRun({ config, type, warn });
  process.stdout.write(planText({ config, plan, device: `${backend.name}, ${type}` }));
}

function planText({ config, plan, device }: { config: Config; plan: Plan; device: string }): string {
  const { promptTokens: tokens, weights, memory } = plan;
  const counts = (by: Record<string, number>) =>
    Object.entries(by)
      .map(([task, count]) => `${count} ${task}`)
      .join(', ') || 'none';
  const used = Object.entries(memory).filter(([, bytes]) => bytes > 0);
  const total = used.reduce((sum, [, bytes]) => sum + bytes, 0);
  const rows: [string, string][] = [
    ['run', `${config.name} (${config.method}) → ${config.output_dir}`],
    ['device', device],
    ['steps', `${plan.steps} of ${config.training.prompts_per_step} prompts: ${plan.epochs.toFixed(2)} epochs`],
    ['training samples', sharedCounts(plan)],
    ['held-out samples', counts(plan.held)],
    ...leftOutRows(plan.leftOut),
    [
      'prompt',
      tokens ? `${tokens.min} to ${tokens.max} tokens, ${tokens.mean.toFixed(0)} on average` : 'no video could be read',
    ],
    [
      'completion',
      config.method === 'grpo'
        ? `${config.rollout.num_generations} a prompt, of at most ${plan.completionTokens} tokens`
        : `at most ${plan.completionTokens} tokens`,
    ],
    ...(plan.stepTime === null ? [] : [timeRow(plan.stepTime, plan.steps)]),
    ['weights', `${millions(weights.total)}, of which ${millions(weights.trained)} are trained`],
    ['memory', `about ${formatBytes(total)}, of ${formatBytes(memoryLimit())} here`],
    ...used.map(([name, bytes]): [string, string] => [`  ${name}`, formatBytes(bytes)]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

/** `1000 qa (50 %), 20 tag (50 %)`; shares only where there are several tasks. */
function sharedCounts({ train, shares }: Plan): string {
  const tasks = Object.entries(train);
  const share = (task: string) => (tasks.length < 2 ? '' : ` (${(100 * shares[task]!).toFixed(0)} %)`);
  return tasks.map(([task, count]) => `${count} ${task}${share(task)}`).join(', ') || 'none';
}

function timeRow(step: number, steps: number): [string, string] {
  return [
    'time',
    `about ${formatSeconds(step)} a step, ${formatSeconds(step * steps)} in all; evaluations not counted`,
  ];
}

/** What would be left out, of what; nothing where nothing is. */
function leftOutRows({ train, held }: Plan['leftOut']): [string, string][] {
  const shown = (name: string, { leftOut, looked }: Survey): [string, string][] =>
    leftOut.length === 0 ? [] : [[`  of ${name}`, `of ${looked} looked at, ${describeLeftOutSamples(leftOut)}`]];
  return [...shown('training', train), ...shown('held-out', held)];
}

const millions = (count: number): string => `${(count / 1e6).toPrecision(3)} M`;
