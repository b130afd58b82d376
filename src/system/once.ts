/** Passes each text on the first time that it comes: a video that is met again and again is reported once. */
export function once(take: (text: string) => void): (text: string) => void {
  const taken = new Set<string>();
  return (text) => {
    if (taken.has(text)) return;
    taken.add(text);
    take(text);
  };
}
