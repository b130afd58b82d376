/** Makes a stream pass every text that is written to it through `scrub`, whoever writes. */
export function scrubStream(stream: NodeJS.WriteStream, scrub: (text: string) => string): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]): boolean =>
    write(typeof chunk === 'string' ? scrub(chunk) : chunk, ...rest);
}
