/** The name that somebody who wrote `text` may have meant; undefined where none is near. */
export function nearestName(text: string, names: readonly string[]): string | undefined {
  const near = names
    .filter((name) => Math.abs(name.length - text.length) <= allowed(text))
    .map((name) => ({ name, distance: editDistance(text.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near && near.distance <= allowed(text) ? near.name : undefined;
}

const allowed = (text: string): number => Math.max(2, text.length / 3);

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
