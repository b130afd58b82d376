import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { secretScrubbers } from '../system/secrets.js';
import type { Config } from './schema.js';
import { isTree } from './tree.js';

/** The config with its secrets blotted out, as files have it. What is compared with them is compared so. */
export function withoutSecrets(config: Config, env: NodeJS.ProcessEnv = process.env): Config {
  const { messages: scrub } = secretScrubbers(env);
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return scrub(value);
    if (Array.isArray(value)) return value.map(clean);
    return isTree(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clean(item)])) : value;
  };
  return clean(config) as Config;
}

/**
 * The resolved config as YAML that `loadConfig` reads back to the same config; but for secrets, which are never written.
 */
export function resolvedConfigText(config: Config, env: NodeJS.ProcessEnv = process.env): string {
  return stringify(withoutSecrets(config, env), { lineWidth: 0, aliasDuplicateObjects: false });
}

/**
 * The options that determine a run's numbers: all but its name, its folder, and how often it logs and saves. `max_steps`
 * is one of them, since the way of the learning rate depends on it.
 */
export function determinants({ name: _name, output_dir: _folder, training, ...rest }: Config) {
  const { logging_steps: _log, save_steps: _save, save_total_limit: _keep, save_best: _best, ...schedule } = training;
  return { ...rest, training: schedule };
}

/** SHA-256 (hex) over the options that determine a run's numbers. */
export function configDigest(config: Config): string {
  return createHash('sha256')
    .update(canonical(determinants(withoutSecrets(config))))
    .digest('hex');
}

/** JSON with sorted keys, so that the order in which a file names its options does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item) =>
    isTree(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}
