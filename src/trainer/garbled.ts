/** So many words in a row. */
const PHRASE = 3;
/** A phrase that comes so often is said over and over. */
const REPEATS = 8;

/** Whether a text is no language any more: characters that cannot be, or one phrase over and over. */
export function isGarbled(text: string): boolean {
  // What a tokenizer makes of bytes that are no character.
  if (text.includes('\ufffd')) return true;
  const words = text.split(/\s+/);
  const counts = new Map<string, number>();
  for (let i = 0; i + PHRASE <= words.length; i++) {
    const phrase = words.slice(i, i + PHRASE).join(' ');
    const count = (counts.get(phrase) ?? 0) + 1;
    if (count >= REPEATS) return true;
    counts.set(phrase, count);
  }
  return false;
}
