/** The tags that a completion is made of. */
export const TAGS = ['think', 'answer', 'glue'] as const;
export type Tag = (typeof TAGS)[number];

interface Elements {
  /** What stands between the tags; only of tags that stand once, are closed, and hold no other tag. */
  elements: Partial<Record<Tag, string>>;
  /** The first thing that differs from "these tags, each once, in this order, white space around them". */
  problem?: string;
}

/** Splits a completion at its tags. */
export function readElements({ text, tags }: { text: string; tags: readonly Tag[] }): Elements {
  const found: { tag: Tag; content: string }[] = [];
  const problems: string[] = [];
  // What is spoiled by nesting cannot be read: nobody knows which of the two was meant.
  const spoiled = new Set<Tag>();
  let open: { tag: Tag; from: number } | undefined;
  let outside = '';
  let done = 0;
  for (const match of text.matchAll(/<(\/?)(think|answer|glue)>/g)) {
    const [whole, slash, name] = match;
    const tag = name as Tag;
    const end = match.index + whole.length;
    if (open === undefined) outside += text.slice(done, match.index);
    if (slash === '' && open === undefined) open = { tag, from: end };
    else if (slash === '/' && open?.tag === tag) {
      found.push({ tag, content: text.slice(open.from, match.index) });
      open = undefined;
    } else {
      problems.push(slash === '' ? `<${tag}> stands inside <${open?.tag}>` : `</${tag}> closes nothing`);
      spoiled.add(tag);
      if (open) spoiled.add(open.tag);
    }
    done = end;
  }
  if (open) problems.push(`<${open.tag}> is not closed`);
  else outside += text.slice(done);
  if (outside.trim() !== '') problems.push('there is text outside the tags');
  const order = found.map(({ tag }) => tag);
  if (order.join() !== tags.join())
    problems.push(`the tags are ${order.slice(0, 2 * TAGS.length).join(' ') || 'missing'}, not ${tags.join(' ')}`);
  if (found.some(({ content }) => content.trim() === '')) problems.push('a tag is empty');
  const readable = TAGS.filter((tag) => !spoiled.has(tag)).flatMap((tag) => {
    const [only, ...more] = found.filter((element) => element.tag === tag);
    return only && more.length === 0 ? [[tag, only.content]] : [];
  });
  return { elements: Object.fromEntries(readable), problem: problems[0] };
}
