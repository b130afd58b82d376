/**
 * The `Reasoning` texts of VAU-Bench come in two shapes: `### Location: … ### Key Evidence: …` in one line, and the
 * `repr` of a Python dict. Both stand for the same: headed parts.
 */
export interface Reasoning {
  form: 'headings' | 'dict' | 'text';
  /** In the order of the text. */
  parts: { heading: string; text: string | string[] }[];
}

/** The headings that a reasoning should have. */
export const REASONING_HEADINGS: readonly string[] = [
  'Specific Anomaly Type',
  'Location',
  'Key Evidence',
  'Detailed Explanation',
  'Cause and Effect',
  'Conclusion',
];

/** Splits a reasoning into its parts; a text of another shape is one part without a heading. */
export function parseReasoning(text: string): Reasoning {
  const trimmed = text.trim();
  if (trimmed.startsWith('###')) return { form: 'headings', parts: parseHeadings(trimmed) };
  const parts = trimmed.startsWith('{') ? parseDict(trimmed) : undefined;
  return parts ? { form: 'dict', parts } : { form: 'text', parts: [{ heading: '', text: trimmed }] };
}

/** A reasoning as plain sentences: a line for each part, without Markdown or Python around them. */
export function plainReasoning(text: string): string {
  return parseReasoning(text)
    .parts.map(({ heading, text }) => {
      const line = plainLine(Array.isArray(text) ? text.join('; ') : text);
      return heading === '' ? line : `${heading}: ${line}`;
    })
    .join('\n');
}

const plainLine = (text: string) => text.replaceAll('**', '').replace(/\s+/g, ' ').trim();

function parseHeadings(text: string): Reasoning['parts'] {
  return text
    .split(/#{2,}/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const known = REASONING_HEADINGS.find((heading) => part.startsWith(heading));
      const heading = known ?? /^[^:]{1,40}(?=:)/.exec(part)?.[0] ?? '';
      const text = part.slice(heading.length).replace(/^\s*:/, '').trim();
      return { heading, text: parseList(text) ?? text };
    });
}

/** Strings, and the signs of dicts and lists, of a Python literal. */
const PYTHON_TOKEN = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([{}[\]:,]))/gsy;

/** The entries of a Python dict literal from strings to strings or lists of strings; undefined for anything else. */
function parseDict(text: string): Reasoning['parts'] | undefined {
  const tokens = pythonTokens(text);
  if (tokens?.shift()?.sign !== '{') return undefined;
  const parts: Reasoning['parts'] = [];
  for (;;) {
    const [key, colon] = tokens.splice(0, 2);
    if (key?.text === undefined || colon?.sign !== ':') return undefined;
    const value = tokens.shift();
    if (value?.text !== undefined) parts.push({ heading: key.text, text: value.text });
    else if (value?.sign === '[') {
      const end = tokens.findIndex(({ sign }) => sign === ']');
      if (end < 0) return undefined;
      const items = tokens.splice(0, end + 1).flatMap((token) => token.text ?? []);
      parts.push({ heading: key.text, text: items });
    } else return undefined;
    const next = tokens.shift()?.sign;
    if (next === '}') return tokens.length === 0 ? parts : undefined;
    if (next !== ',') return undefined;
  }
}

/** The strings of a Python list literal; undefined for anything else. */
function parseList(text: string): string[] | undefined {
  const tokens = text.startsWith('[') ? pythonTokens(text) : undefined;
  return tokens?.at(-1)?.sign === ']' ? tokens.flatMap((token) => token.text ?? []) : undefined;
}

interface PythonToken {
  text?: string;
  sign?: string;
}

function pythonTokens(text: string): PythonToken[] | undefined {
  const matches = [...text.matchAll(PYTHON_TOKEN)];
  if (matches.map(([whole]) => whole).join('') !== text) return undefined;
  return matches.map(([, single, double, sign]) => {
    const quoted = single ?? double;
    return quoted === undefined ? { sign } : { text: unescapePython(quoted) };
  });
}

const unescapePython = (text: string) =>
  text.replace(/\\(.)/gs, (_, sign: string) => (sign === 'n' ? '\n' : sign === 't' ? '\t' : sign));
