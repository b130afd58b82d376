import { setTimeout } from 'node:timers/promises';

/** How long to go on where a server fails. */
export interface Patience {
  /** Times that a request is made again. */
  retries: number;
  /** Milliseconds before the first of them; each pause is twice the one before. */
  pause: number;
  /** Milliseconds without an answer, or without a byte of it. */
  silence: number;
}

export const PATIENCE: Patience = { retries: 5, pause: 1000, silence: 60_000 };
/** Longer than that nobody waits for a server that asks for it. */
const LONGEST_PAUSE = 60_000;

/** Whether it may go well another time. */
const isPassing = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500;

/**
 * `fetch` that asks again where a server is busy or failing, or the connection is lost before the answer's head.
 *
 * @param report takes a line for each time
 */
export const patientFetch =
  ({ patience, report }: { patience: Patience; report: (line: string) => void }): typeof fetch =>
  async (input, init) => {
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt === patience.retries;
      try {
        const response = await headOf(input, init, patience.silence);
        if (!isPassing(response.status) || isLast) return response;
        await response.body?.cancel();
        const pause = pauseOf({ patience, attempt, asked: response.headers.get('retry-after') });
        report(`the hub answers ${response.status}; asking again in ${Math.ceil(pause / 1000)} s`);
        await setTimeout(pause);
      } catch (error) {
        if (isLast || init?.signal?.aborted) throw error;
        const pause = pauseOf({ patience, attempt, asked: null });
        report(`the hub cannot be reached (${reasonOf(error)}); asking again in ${Math.ceil(pause / 1000)} s`);
        await setTimeout(pause);
      }
    }
  };

/** The answer as soon as its head is there; one that does not come is given up. */
async function headOf(input: string | URL | Request, init: RequestInit | undefined, silence: number) {
  const late = new AbortController();
  const clock = globalThis.setTimeout(() => late.abort(new Error(`no answer for ${silence / 1000} s`)), silence);
  try {
    const signal = init?.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
    return await fetch(input, { ...init, signal });
  } finally {
    clearTimeout(clock);
  }
}

/** Milliseconds. @param asked seconds or a date, by the server */
export function pauseOf(args: { patience: Patience; attempt: number; asked: string | null }): number {
  const { patience, attempt, asked } = args;
  const own = patience.pause * 2 ** attempt;
  const seconds = asked === null ? Number.NaN : Number(asked);
  const wanted = Number.isNaN(seconds) ? Date.parse(asked ?? '') - Date.now() : seconds * 1000;
  return Math.min(Math.max(own, Number.isNaN(wanted) ? 0 : wanted), LONGEST_PAUSE);
}

/** What went wrong, for people: undici hides it below `fetch failed`. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? reasonOf(cause) : message;
}
