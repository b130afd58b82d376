import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError, type ConfigIssue } from '../system/errors.js';
import { toConfigIssues } from './issues.js';
import { jsonSchema } from './json-schema.js';
import { DEFAULT_REWARDS } from './rewards.js';
import { type Config, configSchema } from './schema.js';
import { applySets } from './set.js';
import { isTree, merge, prune, type Tree } from './tree.js';
import { displayName, readYamlFile } from './yaml-file.js';

/** A file with all that it extends laid under it. */
interface Layers {
  tree: Tree;
  /** Which file (line, column) or `--set` has said what. */
  places: Map<string, string>;
}

/**
 * Reads a config: the file, what it `extends`, then the `--set` overrides, checked as a whole.
 *
 * @throws {UsageError} `CONFIG_NOT_READABLE`
 * @throws {ConfigError} with every problem at once, each with its place
 */
export async function loadConfig({ file, set = [] }: { file: string; set?: string[] }): Promise<Config> {
  const layers = await readLayers(resolve(file), []);
  // The rewards are a list, so that `--set rewards.format.weight=0` needs them to be there, also when no file has any.
  const tree = { rewards: DEFAULT_REWARDS.map((term) => ({ ...term })), ...layers.tree };
  const result = applySets(tree, set);
  const places = new Map([...layers.places, ...result.places]);
  const parsed = configSchema.safeParse(prune(result.tree), { reportInput: true });
  const issues = [
    ...result.issues,
    ...(parsed.success ? [] : toConfigIssues({ error: parsed.error, places, schema: jsonSchema() })),
  ];
  if (!parsed.success || issues.length > 0) throw new ConfigError({ file: displayName(resolve(file)), issues });
  return parsed.data;
}

/** Reads `file` and, under it, the chain of files that it extends. `above` are the files that have led here. */
async function readLayers(file: string, above: string[]): Promise<Layers> {
  const { value, places } = await readYamlFile(file);
  const problem = (issue: ConfigIssue) => new ConfigError({ file: displayName(file), issues: [issue] });
  if (!isTree(value ?? {})) throw problem({ path: '', message: 'must be a map of options' });
  const { extends: base, ...tree } = (value ?? {}) as Tree;
  if (base === undefined) return { tree, places };

  const at = { path: 'extends', place: places.get('extends') };
  if (typeof base !== 'string')
    throw problem({ ...at, message: `must be the path of a file, got ${JSON.stringify(base)}` });
  const chain = [...above, await realpath(file)];
  const next = resolve(dirname(file), base);
  const real = await realpath(next).catch(() => next);
  if (chain.includes(real)) {
    const circle = [...chain.slice(chain.indexOf(real)), real].map(displayName).join(' → ');
    throw problem({ ...at, message: `files extend each other in a circle: ${circle}` });
  }
  const under = await readLayers(next, chain);
  return { tree: merge(under.tree, tree), places: new Map([...under.places, ...places]) };
}
