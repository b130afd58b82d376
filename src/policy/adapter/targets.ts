import type { AdapterConfig } from './config.js';
import { matching } from './patterns.js';

/** A module that LoRA can go on: one with a matrix or a convolution for a weight. */
export interface Module {
  /** As it is called where the adapter was made. */
  name: string;
  isLinear: boolean;
}

type Targets = Pick<
  AdapterConfig,
  | 'target_modules'
  | 'exclude_modules'
  | 'modules_to_save'
  | 'layers_to_transform'
  | 'layers_pattern'
  | 'target_parameters'
>;

/**
 * The modules that a LoraConfig means, by peft's rules (`check_target_module_exists`).
 *
 * @param file of the config, for messages
 */
export function targetedModules(args: { config: Targets; modules: Module[]; file: string }): Set<string> {
  const { config, modules, file } = args;
  const names = modules.map(({ name }) => name);
  const matches = (field: string, patterns: string[]) => matching({ patterns, names, where: `${file}: ${field}` });
  const { exclude_modules, modules_to_save, target_modules, target_parameters } = config;

  const excluded =
    typeof exclude_modules === 'string'
      ? matches('exclude_modules', exclude_modules === '' ? [] : [whole(exclude_modules)])
      : [new Set(names.filter((name) => isNamed(name, exclude_modules)))];
  const saved = modules_to_save.map((name) => `^(?:(?:^|.*\\.)${name}(?:$|\\..*))`);
  const passedOver = [...excluded, ...matches('modules_to_save', saved)];

  const targeted = typeof target_modules === 'string' ? byPattern(target_modules) : byName(target_modules);
  const byParameter = names.filter((name) => isNamed(`${name}.weight`, target_parameters));
  return new Set([...targeted.filter((name) => !passedOver.some((set) => set.has(name))), ...byParameter]);

  function byPattern(pattern: string): string[] {
    if (pattern.toLowerCase() === 'all-linear') {
      return modules.filter(({ name, isLinear }) => isLinear && name !== 'lm_head').map(({ name }) => name);
    }
    return [...(matches('target_modules', [whole(pattern)])[0] ?? [])];
  }

  function byName(targets: string[]): string[] {
    const found = names.filter((name) => isNamed(name, targets));
    const { layers_to_transform: layers, layers_pattern: lists } = config;
    if (layers === null || layers.length === 0) return found;
    const starts = lists.length === 0 ? ['.*?\\.[^.]*'] : lists.map((list) => `(?:^|.*?\\.)${list}`);
    const patterns = layers.flatMap((layer) => starts.map((start) => `^(?:${start})\\.0*${layer}\\.`));
    const inLayers = matches('layers_pattern', patterns);
    return found.filter((name) => targets.includes(name) || inLayers.some((set) => set.has(name)));
  }
}

/**
 * The value of the first pattern that fits a module, as for `rank_pattern` and `alpha_pattern`.
 *
 * @returns by module, those that a pattern fits
 */
export function patternValues(args: {
  field: string;
  patterns: Record<string, number>;
  modules: Module[];
  file: string;
}): Map<string, number> {
  const { field, patterns, modules, file } = args;
  const keys = Object.keys(patterns);
  const found = matching({
    patterns: keys.map((key) => `^(?:.*\\.)?(?:${key})$`),
    names: modules.map(({ name }) => name),
    where: `${file}: ${field}`,
  });
  const values = new Map<string, number>();
  for (const [i, names] of found.entries())
    for (const name of names) if (!values.has(name)) values.set(name, patterns[keys[i]!]!);
  return values;
}

const whole = (pattern: string): string => `^(?:${pattern})$`;

/** A name itself, or the end of one, cut at a dot. */
const isNamed = (name: string, targets: readonly string[]): boolean =>
  targets.some((target) => name === target || name.endsWith(`.${target}`));
