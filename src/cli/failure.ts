import { VauError } from '../errors.js';

/** What to do about the operating system's refusals that are not ours to prevent. */
const REMEDIES: Record<string, string> = {
  ENOSPC: 'The disk is full: free some space; a run goes on from its last checkpoint with --resume.',
  EDQUOT: 'The disk quota is used up: free some space; a run goes on from its last checkpoint with --resume.',
  EACCES: 'Permission is missing: choose another folder or change its rights.',
  EROFS: 'The file system is read-only: choose another folder.',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n).',
};

/** TensorFlow has no code of its own for it that would reach us. */
const OUT_OF_MEMORY = /OOM when allocating|ResourceExhausted|RESOURCE_EXHAUSTED/;
const MEMORY_REMEDY =
  'The memory of the device is used up: take smaller or fewer frames (max_pixels, max_frames), shorter or fewer completions, or more gradient_accumulation_steps.';

/** Prints an error for people to standard error. @returns the exit code */
export function report(error: unknown, { debug }: { debug: boolean }): number {
  process.stderr.write(`${describe(error, debug)}\n`);
  return error instanceof VauError ? error.exitCode : 1;
}

function describe(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const code = (error as NodeJS.ErrnoException).code;
  const lines = [`error${code === undefined ? '' : ` ${code}`}: ${error.message}`];
  const remedy = OUT_OF_MEMORY.test(error.message) ? MEMORY_REMEDY : REMEDIES[code ?? ''];
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
