import type { z } from 'zod';
import type { ConfigIssue } from '../system/errors.js';
import { nearestName } from '../system/nearest-name.js';
import { whereItIs } from './elsewhere.js';
import type { JsonSchema } from './json-schema.js';
import { isTree, type Tree } from './tree.js';

type Path = PropertyKey[];

/** Zod's issues as a user of a YAML file reads them: which option, what it should be, what it is, where it stands. */
export function toConfigIssues({
  error,
  places,
  schema,
}: {
  error: z.ZodError;
  /** Where each path stands: `model.lora.r` → `configs/base.yaml:7:5`. */
  places: Map<string, string>;
  /** For suggestions of what an unknown key was meant to be. */
  schema: JsonSchema;
}): ConfigIssue[] {
  return error.issues.flatMap(unfold).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = optionsAt(schema, issue.path);
      return issue.keys.map((key) => ({
        ...located([...issue.path, key], places),
        message: `there is no such option${suggestion(key, known, schema)}`,
      }));
    }
    return [{ ...located(issue.path, places), message: describe(issue) }];
  });
}

/** Of a union, the problems of the member that is of the right kind, where there is one. */
function unfold(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const otherKind = ({ code, path }: z.core.$ZodIssue) =>
    path.length === 0 && (code === 'invalid_type' || code === 'invalid_union');
  const member = issue.errors.find((inner) => !inner.some(otherKind));
  return member?.flatMap((inner) => unfold({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return issue.message;
  // Of a choice by `source`, zod reports the map that the key is in.
  const inside = issue.code === 'invalid_union' && isTree(issue.input);
  const value = inside ? (issue.input as Tree)[String(issue.path.at(-1))] : issue.input;
  return value === undefined ? 'is required' : `${expectation(issue)}, got ${show(value)}${habit({ issue, value })}`;
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`;
    case 'not_multiple_of':
      return 'must be a whole number';
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      if (issue.origin === 'array')
        return `must have at least ${issue.minimum} element${issue.minimum === 1 ? '' : 's'}`;
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'invalid_union':
      return 'options' in issue ? `must be one of ${issue.options?.join(', ')}` : 'must be of another kind';
    default:
      return issue.message;
  }
}

const TYPES: Record<string, string> = {
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
};

function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The path as people write it, and the place of the nearest thing around it that a file says. */
function located(path: Path, places: Map<string, string>): { path: string; place?: string } {
  const text = path.reduce<string>((all, key) => {
    if (typeof key === 'number') return `${all}[${key}]`;
    return all === '' ? String(key) : `${all}.${String(key)}`;
  }, '');
  for (let n = path.length; n > 0; n--) {
    const place = places.get(path.slice(0, n).join('.'));
    if (place !== undefined) return { path: text, place };
  }
  return { path: text };
}

/** The names of the options inside the map at `path`. */
function optionsAt(schema: JsonSchema, path: Path): string[] {
  let nodes = variants([schema]);
  for (const key of path) {
    const inner = nodes.map((node) =>
      typeof key === 'number' ? node.items : (node.properties?.[String(key)] ?? node.additionalProperties),
    );
    nodes = variants(inner.filter((node) => typeof node === 'object'));
  }
  return nodes.flatMap((node) => Object.keys(node.properties ?? {}));
}

function variants(nodes: JsonSchema[]): JsonSchema[] {
  return nodes.flatMap((node) => node.oneOf ?? node.anyOf ?? [node]);
}

function suggestion(key: string, known: readonly string[], schema: JsonSchema): string {
  if (key === '<<') return '; YAML 1.2 has no merge keys: take extends, or repeat the options';
  const elsewhere = whereItIs(key, schema);
  if (elsewhere !== undefined) return `; ${elsewhere}`;
  const near = nearestName(key, known);
  return near === undefined ? '' : `; did you mean “${near}”?`;
}

/** Of a text where a number or a truth value should be: how YAML 1.2 writes that. */
function habit({ issue, value }: { issue: z.core.$ZodIssue; value: unknown }): string {
  if (issue.code !== 'invalid_type' || typeof value !== 'string') return '';
  if (issue.expected === 'boolean' && /^(y|yes|on|true)$/i.test(value)) return '; write true, without quotes';
  if (issue.expected === 'boolean' && /^(n|no|off|false)$/i.test(value)) return '; write false, without quotes';
  const digits = value.trim().replaceAll('_', '');
  if (issue.expected === 'number' && digits !== '' && Number.isFinite(Number(digits)))
    return `; write ${digits}, without quotes`;
  return '';
}
