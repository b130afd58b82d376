/** The JSON of a reply: models put it into a block of code, or say something before it. */
export function replyText(content: string): string {
  const block = /```(?:json)?\s*(.*?)```/s.exec(content)?.[1];
  const text = (block ?? content).trim();
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')];
  return from >= 0 && to > from ? text.slice(from, to + 1) : text;
}
