import { type Context, createContext, Script } from 'node:vm';

/** Thrown out of work that did not end in time. */
export class DeadlinePassed extends Error {
  constructor(milliseconds: number, cause: unknown) {
    super(`it did not end within ${milliseconds / 1000} s`, { cause });
  }
}

const script = new Script('work()');
let context: Context | undefined;

/**
 * Runs work that may never end (a loop, a regular expression that backtracks), and stops it in its place at the
 * deadline. It needs no thread or process, and costs 0.05 ms. What the work was changing is left half changed.
 *
 * @throws DeadlinePassed, or what `work` throws
 */
export function withDeadline<T>({ milliseconds, work }: { milliseconds: number; work: () => T }): T {
  let result: T | undefined;
  context ??= createContext();
  context.work = () => {
    result = work();
  };
  try {
    script.runInContext(context, { timeout: milliseconds });
  } catch (error) {
    const isTimeout = (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    throw isTimeout ? new DeadlinePassed(milliseconds, error) : error;
  }
  return result as T;
}
