/** What may stand around an answer without changing it, by pairs. */
const AROUND: readonly (readonly [string, string])[] = [
  ['*', '*'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['“', '”'],
  ['‘', '’'],
  ['«', '»'],
  ['$', '$'],
  ['\\(', '\\)'],
  ['\\boxed{', '}'],
  ['\\text{', '}'],
  ['<answer>', '</answer>'],
  ['[', ']'],
  ['(', ')'],
  ['{', '}'],
];

/** `Answer:`, `The correct answer is`, `Class:`. */
const INTRODUCTION =
  /^(?:the\s)?(?:(?:correct|right|final|best)\s)?(?:answer|option|choice|class|category|label)(?:\sis(?:\s?:)?|\s?[:：])\s?/i;

/** More layers than anybody writes. */
const LAYERS = 8;

/**
 * An answer without what people and models write around it: white space, quotes, brackets, Markdown and TeX, a final
 * stop, words that only introduce it. Within it, white space becomes one space.
 */
export function bareAnswer(text: string): string {
  let bare = text.replaceAll('**', '').trim().replace(/\s+/g, ' ');
  for (let layer = 0; layer < LAYERS; layer++) {
    const before = bare;
    bare = withoutStops(bare.replace(INTRODUCTION, '').trim());
    const pair = AROUND.find(([open, close]) => encloses({ bare, open, close }));
    if (pair) bare = bare.slice(pair[0].length, bare.length - pair[1].length).trim();
    if (bare === before) break;
  }
  return bare;
}

/** `(a) or (b)` stands in no brackets, though it begins and ends with one. */
function encloses({ bare, open, close }: { bare: string; open: string; close: string }): boolean {
  if (bare.length <= open.length + close.length || !bare.startsWith(open) || !bare.endsWith(close)) return false;
  const inner = bare.slice(open.length, bare.length - close.length);
  return open.length > 1 || !inner.includes(close) || inner.startsWith(open);
}

function withoutStops(text: string): string {
  let end = text.length;
  while (end > 0 && '.。!！,，;；:： '.includes(text[end - 1]!)) end -= 1;
  return text.slice(0, end);
}

/** What two texts share that differ in case, in spacing and in what stands around them. */
export const plainText = (text: string): string => bareAnswer(text).toLowerCase();
