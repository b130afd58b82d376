import type { ConfigIssue } from '../system/errors.js';
import { isTree, type Tree } from './tree.js';
import { parseYaml } from './yaml-text.js';

/** Longer than any option's path. */
const MAX_KEYS = 16;

/** One `--set a.b=c` of the command line. */
interface Assignment {
  /** As it was written, for messages. */
  text: string;
  path: string[];
  value: unknown;
}

/** What is left of a tree after `--set`: the tree, the paths that were set, and what could not be. */
export interface SetResult {
  tree: Tree;
  /** `rewards.2.weight` → `--set rewards.temporal_iou.weight=0`. */
  places: Map<string, string>;
  issues: ConfigIssue[];
}

/**
 * Applies `--set` overrides in their order. The value is read as YAML (`1e-6`, `true`, `[a, b]`, `null` to unset). A list
 * element goes by its index (`rewards.0.weight`) or, where elements have a `name`, by that (`rewards.format.weight`).
 */
export function applySets(tree: Tree, sets: string[]): SetResult {
  const result: SetResult = { tree, places: new Map(), issues: [] };
  for (const text of sets) {
    const place = `--set ${text}`;
    try {
      const { path, value } = parseAssignment(text);
      const written: Written = { path: [], made: [] };
      result.tree = assign(result.tree, path, value, written) as Tree;
      for (const made of [...written.made, written.path.join('.')]) result.places.set(made, place);
    } catch (error) {
      if (!(error instanceof SetProblem)) throw error;
      result.issues.push({ place, path: error.path, message: error.message });
    }
  }
  return result;
}

/** Why one override cannot be applied; never leaves this file. */
class SetProblem extends Error {
  readonly path: string;
  constructor(path: string[], message: string) {
    super(message);
    this.path = path.join('.');
  }
}

function parseAssignment(text: string): Assignment {
  const split = text.indexOf('=');
  const path = text.slice(0, split).trim().split('.');
  if (split <= 0 || path.includes('')) throw new SetProblem([], 'must look like key.key=value');
  if (path.length > MAX_KEYS) throw new SetProblem(path.slice(0, 1), `no option lies ${path.length} levels deep`);
  const { value, mistakes } = parseYaml(text.slice(split + 1));
  const [mistake] = mistakes;
  if (mistake !== undefined)
    throw new SetProblem(path, `the value is not YAML that can be used: ${mistake.message.split('\n')[0]}`);
  return { text, path, value };
}

/** Where an assignment has gone. */
interface Written {
  /** With indexes in place of names. */
  path: string[];
  /** The paths on the way that were not there before. */
  made: string[];
}

/** A copy of `node` with `value` at `path`; tells `written` where that was. */
function assign(node: unknown, path: string[], value: unknown, written: Written): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(node)) {
    const index = elementIndex(node, key);
    if (index < 0)
      throw new SetProblem([...written.path, key], `there is no such element; the list has ${describe(node)}`);
    written.path.push(String(index));
    return node.with(index, assign(node[index], rest, value, written));
  }
  if (node !== undefined && node !== null && !isTree(node))
    throw new SetProblem(written.path, `is ${JSON.stringify(node)}, which has no “${key}” inside`);
  const map = node ?? {};
  const known = Object.hasOwn(map, key);
  written.path.push(key);
  if (!known) written.made.push(written.path.join('.'));
  return { ...map, [key]: assign(known ? (map as Tree)[key] : undefined, rest, value, written) };
}

function elementIndex(list: unknown[], key: string): number {
  if (/^\d+$/.test(key)) return Number(key) < list.length ? Number(key) : -1;
  return list.findIndex((item) => isTree(item) && item.name === key);
}

function describe(list: unknown[]): string {
  const names = list.flatMap((item) => (isTree(item) && typeof item.name === 'string' ? [item.name] : []));
  return names.length > 0 ? names.join(', ') : `${list.length} elements, counted from 0`;
}
