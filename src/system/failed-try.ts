import { setTimeout } from 'node:timers/promises';

/** A try that came to nothing, where another may not. */
export class FailedTry<Fault extends string> extends Error {
  /** As it is counted. */
  readonly fault: Fault;
  /** What the server asks for, in milliseconds. */
  readonly pause: number;

  constructor(fault: Fault, message: string, pause = 0) {
    super(message);
    this.fault = fault;
    this.pause = pause;
  }
}

/** What a server asks for by `Retry-After`: seconds, or a date. Milliseconds. */
export function pauseAsked(headers: Headers | undefined): number {
  const text = headers?.get('retry-after') ?? '';
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? seconds * 1000 : 0;
}

/**
 * Waits before the next try: twice as long each time, and not all at once.
 *
 * @param least what was asked for; all in milliseconds
 */
export async function pauseFor(args: {
  attemptNumber: number;
  first: number;
  longest: number;
  least: number;
  signal: AbortSignal;
}): Promise<void> {
  const { attemptNumber, first, longest, least, signal } = args;
  const grown = Math.min(longest, first * 2 ** (attemptNumber - 1));
  const pause = Math.max(least, grown * (0.5 + Math.random() / 2));
  await setTimeout(pause, undefined, { signal }).catch(() => undefined);
}
