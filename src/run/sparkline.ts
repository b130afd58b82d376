const BLOCKS = '▁▂▃▄▅▆▇█';

/**
 * Numbers as a line of blocks, from their lowest to their highest; the mean of neighbours where there are more of them
 * than columns. What is not known is a space.
 */
export function sparkline(values: readonly (number | null)[], columns: number): string {
  const width = Math.min(columns, values.length);
  const parts = Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const known = values.slice(from, Math.floor(((i + 1) * values.length) / width)).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  });
  const known = parts.filter((part) => part !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return parts
    .map((part) => {
      if (part === null) return ' ';
      const height = high === low ? 0.5 : (part - low) / (high - low);
      return BLOCKS[Math.round(height * (BLOCKS.length - 1))]!;
    })
    .join('');
}
