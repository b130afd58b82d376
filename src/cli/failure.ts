import { VauError } from '../system/errors.js';
import { isOutOfMemory, MEMORY_REMEDY } from './actions/memory.js';

/** What to do about the operating system's refusals that are not ours to prevent. */
const REMEDIES: Record<string, string> = {
  ENOSPC: 'The disk is full: free some space; a run goes on from its last checkpoint with --resume.',
  EDQUOT: 'The disk quota is used up: free some space; a run goes on from its last checkpoint with --resume.',
  EACCES: 'Permission is missing: choose another folder or change its rights.',
  EROFS: 'The file system is read-only: choose another folder.',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n).',
};

/** Prints an error for people to standard error. @returns the exit code */
export function report(error: unknown, { debug }: { debug: boolean }): number {
  process.stderr.write(`${describe(error, debug)}\n`);
  return error instanceof VauError ? error.exitCode : 1;
}

function describe(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const code = (error as NodeJS.ErrnoException).code;
  const lines = [`error${code === undefined ? '' : ` ${code}`}: ${error.message}`];
  const remedy = isOutOfMemory(error)
    ? `There is not enough memory. Take less of it: ${MEMORY_REMEDY}`
    : REMEDIES[code ?? ''];
  if (remedy !== undefined) lines.push(remedy);
  if (debug) lines.push(...stacks(error));
  else if (!(error instanceof VauError) && remedy === undefined)
    lines.push('This should not happen. Run it again with --debug for the stack trace.');
  return lines.join('\n');
}

/** The stack of an error and of its causes. */
function stacks(error: Error): string[] {
  const own =
    error.stack
      ?.split('\n    at ')
      .slice(1)
      .map((line) => `    at ${line}`) ?? [];
  if (!(error.cause instanceof Error)) return own;
  return [...own, `caused by ${error.cause.name}: ${error.cause.message}`, ...stacks(error.cause)];
}
