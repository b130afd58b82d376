/** Seconds for people, to two digits: `0.45 s`, `96 s`, `42 min`, `15 h`, `12 days`. */
export function formatSeconds(seconds: number): string {
  const units = [
    [86_400, 'days', 2 * 86_400],
    [3600, 'h', 5400],
    [60, 'min', 150],
  ] as const;
  const [size, name] = units.find(([, , least]) => seconds >= least) ?? [1, 's'];
  return `${Number((seconds / size).toPrecision(2))} ${name}`;
}
