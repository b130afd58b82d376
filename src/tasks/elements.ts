/** The tags that an answer is made of, in their order. */
export const ANSWER_TAGS = ['answer', 'glue'] as const;
export type AnswerTag = (typeof ANSWER_TAGS)[number];

/** The tags that a completion is made of. */
const TAGS = ['think', ...ANSWER_TAGS] as const;
export type Tag = (typeof TAGS)[number];

/** What stands between the tags; only of tags that stand once (but for what stands in others), and hold no other. */
export type Elements = Partial<Record<Tag, string>>;

interface ReadElements {
  elements: Elements;
  /** The first thing that differs from "these tags, each once, in this order, white space around them". */
  problem?: string;
}

/** Splits a completion at its tags. Upper case is no right form, yet it is read. */
export function readElements({ text, tags }: { text: string; tags: readonly Tag[] }): ReadElements {
  const found: { tag: Tag; content: string; isPlain: boolean }[] = [];
  const problems: string[] = [];
  /** The tags that are open, the outermost first; what stands in it is its own affair. */
  let open: Tag[] = [];
  let from = 0;
  let isPlain = true;
  let outside = '';
  for (const match of text.matchAll(/<(\/?)(think|answer|glue)>/gi)) {
    const [whole, slash, name = ''] = match;
    const tag = name.toLowerCase() as Tag;
    if (tag !== name) problems.push(`${whole} is not in lower case`);
    if (open.length === 0) {
      outside += text.slice(from, match.index);
      from = match.index + whole.length;
      if (slash === '/') problems.push(`</${tag}> closes nothing`);
      else [open, isPlain] = [[tag], true];
    } else if (slash === '') {
      problems.push(`<${tag}> stands inside <${open.at(-1)}>`);
      isPlain = false;
      // A tag that is opened twice, as models do, is closed by the first end: what follows is not within it.
      if (!open.includes(tag)) open.push(tag);
    } else if (open.includes(tag)) {
      open = open.slice(0, open.lastIndexOf(tag));
      if (open.length > 0) continue;
      found.push({ tag, content: text.slice(from, match.index), isPlain });
      from = match.index + whole.length;
    } else {
      problems.push(`</${tag}> closes nothing`);
      isPlain = false;
    }
  }
  if (open.length > 0) problems.push(`<${open[0]}> is not closed`);
  else outside += text.slice(from);
  if (outside.trim() !== '') problems.push('there is text outside the tags');
  const order = found.map(({ tag }) => tag);
  if (order.join() !== tags.join())
    problems.push(`the tags are ${order.slice(0, 2 * TAGS.length).join(' ') || 'missing'}, not ${tags.join(' ')}`);
  if (found.some(({ content }) => content.trim() === '')) problems.push('a tag is empty');
  const readable = TAGS.flatMap((tag) => {
    const [only, ...more] = found.filter((element) => element.tag === tag);
    return only?.isPlain && more.length === 0 ? [[tag, only.content]] : [];
  });
  return { elements: Object.fromEntries(readable), problem: problems[0] };
}
