import { type Config, configSchema } from './schema.js';
import { withoutSecrets } from './text.js';
import { isTree } from './tree.js';

/** Options that cannot change what a run has computed: it may be resumed with another value. `*`: one name or index. */
const FREE = [
  'name',
  'output_dir',
  'training.save_steps',
  'training.save_total_limit',
  'training.save_best',
  'training.eval_on_start',
  'training.eval_steps',
  'training.logging_steps',
  'training.max_bad_steps',
  'evaluation',
  'data.*.*.videos',
  // Where completions come from is no matter, but for their kind.
  'rollout.engine.base_url',
  'rollout.engine.adapter_dir',
  'rollout.engine.server_adapter_dir',
  'rollout.engine.api_key_env',
  'rollout.engine.timeout_s',
  'rollout.engine.max_retries',
  'rollout.engine.concurrency',
  // Where the judge is and how it is asked, not who it is and what it is asked.
  'judge.base_url',
  'judge.api_key_env',
  'judge.timeout_s',
  'judge.deadline_s',
  'judge.step_deadline_s',
  'judge.max_retries',
  'judge.concurrency',
  'judge.requests_per_minute',
  'judge.input_price',
  'judge.output_price',
  'judge.budget',
  'judge.cache',
].map((pattern) => pattern.split('.'));

/** An option with the values that it has had and has. */
export interface OptionChange {
  /** `training.max_steps`, as `--set` takes it. */
  path: string;
  before: unknown;
  after: unknown;
}

/** The options that decide about a run's numbers, as a checkpoint keeps them: without secrets. */
export function fixedOptions(config: Config): Record<string, unknown> {
  const strip = (node: unknown, path: string[]): unknown => {
    if (Array.isArray(node)) return node.map((item, i) => strip(item, [...path, String(i)]));
    if (!isTree(node)) return node;
    const kept = Object.entries(node).filter(([key]) => !isFree([...path, key]));
    return Object.fromEntries(kept.map(([key, value]) => [key, strip(value, [...path, key])]));
  };
  return strip(withoutSecrets(config), []) as Record<string, unknown>;
}

/**
 * The options that a checkpoint keeps, with the defaults of those that its version did not know: it has computed as if
 * they had them.
 */
export function storedOptions(options: Record<string, unknown>): Record<string, unknown> {
  const { data } = options as { data?: Record<string, unknown> };
  const withVideos = (sources: unknown) =>
    Array.isArray(sources) ? sources.map((source: object) => ({ ...source, videos: '.' })) : sources;
  const parsed = configSchema.safeParse({
    ...options,
    name: 'stored',
    data: { ...data, train: withVideos(data?.train), eval: withVideos(data?.eval) },
  });
  return parsed.success ? fixedOptions(parsed.data) : options;
}

/**
 * What differs between the options of a run and those that it shall be resumed with.
 *
 * @returns `taken`: the run may go on with them; `refused`: it would not be the same run. More steps are `taken`: those
 *   that were made stay as they are
 */
export function resumeChanges(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): { taken: OptionChange[]; refused: OptionChange[] } {
  const changes = differences(before, after, []);
  return { taken: changes.filter(isTaken), refused: changes.filter((change) => !isTaken(change)) };
}

/** `training.max_steps: 100 → 200` */
export const describeChange = ({ path, before, after }: OptionChange): string =>
  `${path}: ${show(before)} → ${show(after)}`;

function isTaken({ path, before, after }: OptionChange): boolean {
  if (path === 'training.max_steps') return Number(after) > Number(before);
  return isFree(path.split('.'));
}

/** Whether a path is one of the free ones, or lies inside. */
const isFree = (path: string[]): boolean =>
  FREE.some((pattern) => pattern.every((key, i) => key === '*' || key === path[i]));

function differences(before: unknown, after: unknown, path: string[]): OptionChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const areLists = Array.isArray(before) && Array.isArray(after) && before.length === after.length;
  if (!areLists && !(isTree(before) && isTree(after))) return [{ path: path.join('.'), before, after }];
  const [a, b] = [before, after] as [Record<string, unknown>, Record<string, unknown>];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => differences(a[key], b[key], [...path, key]));
}

function show(value: unknown): string {
  return value === undefined ? 'left out' : JSON.stringify(value);
}
