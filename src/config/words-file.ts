import { readFileSync } from 'node:fs';
import type { z } from 'zod';

/** Longer than any prompt. Bytes. */
const MAX_BYTES = 2 ** 20;

/** The words of an option: the text itself, or that of the file that it names, without the line breaks at its end. */
export function textOf(value: string | { file: string }, context: z.RefinementCtx): string {
  if (typeof value === 'string') return value;
  try {
    const text = readFileSync(value.file, 'utf8');
    if (text.trim() === '') throw new Error('it is empty');
    if (text.length > MAX_BYTES) throw new Error('it is longer than 1 MiB');
    return text.replace(/^\uFEFF/, '').replace(/\s+$/, '');
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    context.addIssue({ code: 'custom', message: `${value.file} cannot be read: ${reason}` });
    return '';
  }
}
