/** Bytes for people, to three digits: `812 MiB`, `1.21 GiB`. */
export function formatBytes(bytes: number): string {
  const [unit, name] = bytes < 2 ** 30 ? [2 ** 20, 'MiB'] : [2 ** 30, 'GiB'];
  return `${Number((bytes / unit).toPrecision(3))} ${name}`;
}
