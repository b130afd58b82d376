import { CST, type Document, isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument } from 'yaml';

/** Levels of maps and lists, one inside the other. With many thousands the parser takes minutes, or all of the stack. */
const MAX_DEPTH = 64;
const TOO_DEEP = `is nested too deep (more than ${MAX_DEPTH} levels)`;
/** For each the parser goes through the whole text. */
const MAX_ALIASES = 100;
const MANY_ALIASES = `there are too many aliases (more than ${MAX_ALIASES})`;

/** Something in a text that is not YAML, or cannot be a config. */
export interface YamlMistake {
  /** Of the map key or list element, where it is one: `model.lora`. */
  path: string;
  /** Index into the text. */
  offset: number;
  message: string;
}

/** What a YAML text says, and where. */
export interface YamlText {
  /** Maps and lists without circles; null where there are mistakes. */
  value: unknown;
  /** Where each key and list element stands: `model.lora.r` → its index in the text. */
  offsets: Map<string, number>;
  mistakes: YamlMistake[];
}

/** Reads YAML. The time it takes grows with the length of the text, whatever it says; it never throws. */
export function parseYaml(text: string): YamlText {
  const wrong = (mistakes: YamlMistake[]): YamlText => ({ value: null, offsets: new Map(), mistakes });
  const excess = firstExcess(text);
  if (excess !== undefined) return wrong([{ path: '', ...excess }]);

  // Its own search for keys that come twice compares each with all others.
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false });
  const { offsets, twice } = locate(document);
  const mistakes = [
    ...[...document.errors, ...document.warnings].map(({ message, pos }) => ({ path: '', offset: pos[0], message })),
    ...twice.map((offset) => ({ path: '', offset, message: 'Map keys must be unique' })),
  ];
  if (mistakes.length > 0) return wrong(mistakes.sort((a, b) => a.offset - b.offset));

  try {
    const value: unknown = document.toJS();
    const problem = circleOrDepth(value, [], []);
    if (problem === undefined) return { value, offsets, mistakes: [] };
    return wrong([{ ...problem, offset: offsets.get(problem.path) ?? 0 }]);
  } catch (cause) {
    // An alias without an anchor, or aliases that unfold without end.
    return wrong([{ path: '', offset: 0, message: cause instanceof Error ? cause.message : String(cause) }]);
  }
}

/** `7:5` for an index into a text: the line and the column, from 1. */
export function placeIn(text: string): (offset: number) => string {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
  return (offset) => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
}

/**
 * Where a text asks for more than the parser should be given: levels by brackets, by `[a: b: c: d]`, or by `- - - x` (those
 * by indentation each cost a longer line), and aliases.
 */
function firstExcess(text: string): Omit<YamlMistake, 'path'> | undefined {
  let offset = 0;
  let aliases = 0;
  /** Pairs since the last comma, in each open bracket; outside of all of them, in the line. */
  const pairs = [0];
  let inLine = 0;
  let isContent = false;
  for (const token of new Lexer().lex(text)) {
    const type: CST.TokenType | 'content' | null = isContent ? 'content' : CST.tokenType(token);
    isContent = type === 'scalar';
    const inner = pairs.length - 1;
    if (type === 'flow-seq-start' || type === 'flow-map-start') pairs.push(0);
    // One that closes nothing is a mistake, and must not make room for others.
    else if (type === 'flow-seq-end' || type === 'flow-map-end') pairs.splice(Math.max(1, inner), 1);
    else if (type === 'map-value-ind') pairs[inner]! += 1;
    else if (type === 'comma') pairs[inner] = 0;
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind') inLine += inner === 0 ? 1 : 0;
    else if (type === 'newline') inLine = 0;
    else if (type === 'alias') aliases += 1;
    if (type === 'newline' && inner === 0) pairs[0] = 0;
    // A pair in a pair is a level of its own.
    const chained = pairs.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
    if (pairs.length - 1 + inLine + chained > MAX_DEPTH) return { offset, message: TOO_DEEP };
    if (aliases > MAX_ALIASES) return { offset, message: MANY_ALIASES };
    // The others are marks of the lexer, which the text does not have.
    if (type !== 'doc-mode' && type !== 'flow-error-end' && type !== 'scalar') offset += token.length;
  }
  return undefined;
}

/** Where each key and list element stands, and where a map has a key for the second time. */
function locate(document: Document.Parsed): { offsets: Map<string, number>; twice: number[] } {
  const offsets = new Map<string, number>();
  const twice: number[] = [];
  const visit = (node: unknown, path: string): void => {
    const below = (key: string) => (path === '' ? key : `${path}.${key}`);
    if (isMap(node)) {
      const seen = new Set<string>();
      for (const { key, value } of node.items) {
        if (!isScalar(key)) continue;
        const offset = key.range?.[0] ?? 0;
        // `1` and `"1"` are two keys in YAML and one in a config.
        const name = key.value === null ? '' : String(key.value);
        if (seen.has(name)) twice.push(offset);
        seen.add(name);
        offsets.set(below(name), offset);
        visit(value, below(name));
      }
    } else if (isSeq(node)) {
      for (const [i, item] of node.items.entries()) {
        offsets.set(below(String(i)), (item as { range?: number[] } | null)?.range?.[0] ?? 0);
        visit(item, below(String(i)));
      }
    }
  };
  visit(document.contents, '');
  return { offsets, twice };
}

/** Aliases can make circles, and depths that no line shows. */
function circleOrDepth(value: unknown, path: string[], above: object[]): { path: string; message: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const problem = (message: string) => ({ path: path.join('.'), message });
  if (above.includes(value)) return problem('is an alias of what it stands in, so that it has no end');
  if (above.length >= MAX_DEPTH) return problem(TOO_DEEP);
  for (const [key, item] of Object.entries(value)) {
    const found = circleOrDepth(item, [...path, key], [...above, value]);
    if (found !== undefined) return found;
  }
  return undefined;
}
