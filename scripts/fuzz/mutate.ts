import { stringify } from 'yaml';
import { parseYaml } from '../../src/config/yaml-text.js';
import { randomBits, uniform } from '../../src/system/random.js';

/** Draws numbers for one input: each call gives the next of a sequence that (seed, input) determine. */
export interface Dice {
  /** A whole number from 0 to `below` − 1. */
  roll: (below: number) => number;
  pick: <T>(list: readonly T[]) => T;
}

export function dice(seed: number, input: number): Dice {
  let drawn = 0;
  const roll = (below: number) => Math.floor(uniform(seed, input, drawn++) * below);
  return { roll, pick: (list) => list[roll(list.length)]! };
}

/** No input is larger. */
const MAX_BYTES = 4 * 2 ** 20;
/** A file that an earlier change has made larger is changed as text: its parser may take very long. */
const MAX_PARSED = 32 * 2 ** 10;

const NUMBERS = [0, -1, 1.5, 7, 2 ** 31, 2 ** 53, 1e18, 1e308, -1e308, 1e-308, 65_536];
const VALUES: readonly unknown[] = [
  ...NUMBERS,
  ...[null, true, false, '', ' ', 'x', '-1', 'NaN', '__proto__', 'ａ\u0301', '<|video_pad|>', '\u0000', '\ud800'],
  ...[[], {}, [[]], [null], { '': {} }],
];
const SNIPPETS = [
  ...[
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    ',',
    ':',
    '\n',
    '\r\n',
    '\t',
    '\u0000',
    '\ufeff',
    '\\',
    '#',
    '- ',
    '? ',
    '| ',
    '> ',
  ],
  ...['&a ', '*a', '!!str ', '<<: *a', '---\n', '...', '%YAML 1.1\n', '""', '"""', '=', ';', '🙂', 'é', '\u2028'],
  ...['1e999', '-0', '.nan', '.inf', '0x7f', '0o17', '1_000', 'null', '~', 'true', 'NaN', 'Infinity', '9'.repeat(400)],
  ...[
    '{{',
    '}}',
    '{%',
    '%}',
    '{% for i in range(99999999) %}',
    '{% set x = x ~ x %}',
    '| join',
    '<answer>',
    '</think>',
  ],
  ...['(a+)+$', '\\p{L}', '[^', '(?:', '(?=', '{1,99999}', '../', '/dev/zero', '__proto__', 'constructor'],
];

/** One to four changes to the bytes of a file, as its kind of text or data may be changed. */
export function mutate({ name, bytes, die }: { name: string; bytes: Buffer; die: Dice }): Buffer {
  let changed = bytes;
  for (let n = 1 + die.roll(4); n > 0; n--) changed = change({ name, bytes: changed, die }).subarray(0, MAX_BYTES);
  return changed;
}

function change({ name, bytes, die }: { name: string; bytes: Buffer; die: Dice }): Buffer {
  if (name.endsWith('.safetensors') && die.roll(3) > 0) return changeSafetensors(bytes, die);
  const structured = STRUCTURED.find(([ending]) => name.endsWith(ending))?.[1];
  if (structured !== undefined && bytes.length <= MAX_PARSED && die.roll(2) === 0) {
    try {
      return Buffer.from(structured(bytes.toString('utf8'), die));
    } catch {
      // An earlier change has made it unreadable.
    }
  }
  return die.roll(8) === 0 ? changeBytes(bytes, die) : Buffer.from(changeText(bytes.toString('latin1'), die), 'latin1');
}

const json = (text: string, die: Dice): string => JSON.stringify(changeTree(JSON.parse(text), die), null, 1);

const STRUCTURED: [string, (text: string, die: Dice) => string][] = [
  ['.json', json],
  ['.jsonl', (text, die) => changeLine(text, die, (line) => JSON.stringify(changeTree(JSON.parse(line), die)))],
  ['.yaml', (text, die) => stringify(changeTree(parseYaml(text).value, die), { lineWidth: 0 })],
];

function changeLine(text: string, die: Dice, work: (line: string) => string): string {
  const lines = text.split('\n');
  const i = die.roll(lines.length);
  return lines.with(i, work(lines[i]!)).join('\n');
}

/** Of a map or list, one entry (at any depth) becomes another, goes, comes twice or gets another name. */
function changeTree(tree: unknown, die: Dice): unknown {
  if (typeof tree !== 'object' || tree === null) return value(tree, die);
  const keys = Object.keys(tree);
  if (keys.length === 0 || die.roll(12) === 0) return value(tree, die);
  const key = die.pick(keys);
  const inner = (tree as Record<string, unknown>)[key];
  const isInside = typeof inner === 'object' && inner !== null && die.roll(3) > 0;
  const next = isInside ? changeTree(inner, die) : value(inner, die);
  if (Array.isArray(tree)) {
    const i = Number(key);
    if (isInside) return tree.with(i, next);
    return die.pick([tree.with(i, next), tree.toSpliced(i, 1), tree.toSpliced(i, 0, inner), tree.toReversed()]);
  }
  const { [key]: _, ...rest } = tree as Record<string, unknown>;
  if (isInside) return { ...tree, [key]: next };
  return die.pick([{ ...tree, [key]: next }, { ...tree, [key]: next }, rest, { ...rest, [`${key}_`]: inner }]);
}

function value(old: unknown, die: Dice): unknown {
  const kind = die.roll(10);
  if (kind === 0) return 'y'.repeat(10 ** die.roll(6));
  if (kind === 1) return Array.from({ length: 10 ** die.roll(5) }, () => old ?? 0);
  if (kind === 2) return nested(10 ** die.roll(4), die.roll(2) === 0);
  if (kind === 3 && typeof old === 'number') return old * die.pick([-1, 0.5, 1000, 1e9, 1e300]);
  if (kind === 4 && typeof old === 'string') return changeText(old, die);
  return die.pick(VALUES);
}

function nested(depth: number, isList: boolean): unknown {
  let tree: unknown = 1;
  for (let i = 0; i < depth; i++) tree = isList ? [tree] : { a: tree };
  return tree;
}

/** A part of a text goes, comes twice or very often, is swapped with another, or is followed by something odd. */
function changeText(text: string, die: Dice): string {
  const from = die.roll(text.length + 1);
  const to = Math.min(text.length, from + die.roll(die.pick([4, 40, 400])));
  const [before, part, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
  const odd = Buffer.from(die.pick(SNIPPETS)).toString('latin1');
  const often = (what: string) => what.repeat(Math.min(10 ** die.roll(6), Math.ceil(MAX_BYTES / (what.length + 1))));
  switch (die.roll(9)) {
    case 0:
      return before + after;
    case 1:
      return before + part + part + after;
    case 2:
      return before + often(part) + after;
    case 3:
      return before + often(odd) + after;
    case 4:
      return before;
    case 5:
      return before + part.replaceAll(/\d+/g, String(die.pick(NUMBERS))) + after;
    case 6:
      return after + part + before;
    default:
      return before + odd + after;
  }
}

function changeBytes(bytes: Buffer, die: Dice): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length === 0 || die.roll(6) === 0) return Buffer.from(Array.from({ length: 64 }, () => die.roll(256)));
  for (let n = 1 + die.roll(16); n > 0; n--) copy[die.roll(copy.length)] = die.roll(256);
  return copy;
}

/** Its length field, its header as a tree or as text, or its data. */
function changeSafetensors(bytes: Buffer, die: Dice): Buffer {
  if (bytes.length < 8) return changeBytes(bytes, die);
  const length = Number(bytes.readBigUInt64LE(0));
  const [header, data] = [bytes.subarray(8, 8 + length), bytes.subarray(8 + length)];
  const withHeader = (text: string, size?: bigint): Buffer => {
    const body = Buffer.from(text);
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt.asUintN(64, size ?? BigInt(body.length)));
    return Buffer.concat([start, body, data]);
  };
  const text = header.toString('utf8');
  switch (die.roll(5)) {
    case 0:
      return withHeader(
        text,
        die.pick([0n, 1n, -1n, 2n ** 31n, 2n ** 53n, 2n ** 63n, BigInt(randomBits(die.roll(1000)))]),
      );
    case 1:
      return bytes.subarray(0, die.roll(bytes.length));
    case 2:
      return withHeader(changeText(text, die));
    default:
      try {
        return withHeader(JSON.stringify(changeTree(JSON.parse(text), die)));
      } catch {
        return changeBytes(bytes, die);
      }
  }
}
