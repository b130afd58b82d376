import { z } from 'zod';
import { ModelError } from '../system/errors.js';
import { openRegularFile } from '../system/regular-file.js';
import { standIn } from './stand-in.js';

/** The largest that belongs to a model, a tokenizer, has 4 to 12 MB. */
const MAX_BYTES = 32 * 2 ** 20;
/** Parsed, an empty list takes up to 50 times its text. A tokenizer's merges are pairs in brackets, of 15 characters. */
const FEW_BYTES = 4 * 2 ** 20;
const BYTES_A_BRACKET = 6;
/** Misfits that an error names. */
const MAX_ISSUES = 10;

/** A list of at most `max` items; of a longer one Zod looks at none, each of which could be an issue to tell. */
export const shortList = <T>(item: z.ZodType<T>, max: number): z.ZodType<T[]> => z.array(item).max(max);

/**
 * Reads and checks a JSON file of a model folder. Unknown keys are let through: Hugging Face adds some in every release.
 *
 * @returns undefined if there is no such file.
 * @throws ModelError `MODEL_FILE_INVALID` if it is no JSON or does not fit `schema` (every misfit is named).
 */
export async function readJsonIfPresent<T>({
  file,
  schema,
}: {
  file: string;
  schema: z.ZodType<T>;
}): Promise<T | undefined> {
  const text = await readTextIfPresent(file);
  if (text === undefined) return undefined;

  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ModelError({
      code: 'MODEL_FILE_INVALID',
      message: `${file} is not valid JSON (${(cause as Error).message}): it may be cut off; fetch it again.`,
      cause,
    });
  }

  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const issues = error.issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => `  ${path.length === 0 ? '(top level)' : path.join('.')}: ${message}`);
  if (error.issues.length > MAX_ISSUES) issues.push(`  … and ${error.issues.length - MAX_ISSUES} more`);
  throw new ModelError({
    code: 'MODEL_FILE_INVALID',
    message: `${file} does not fit:\n${issues.join('\n')}\nUse the file that came with the model, or correct these entries.`,
    cause: error,
  });
}

/**
 * The same for a file that must be there.
 *
 * @throws ModelError `MODEL_FILE_MISSING` with `remedy`, or `MODEL_FILE_INVALID`.
 */
export async function readJson<T>({
  file,
  schema,
  remedy,
}: {
  file: string;
  schema: z.ZodType<T>;
  remedy: string;
}): Promise<T> {
  const data = await readJsonIfPresent({ file, schema });
  if (data !== undefined) return data;
  throw new ModelError({ code: 'MODEL_FILE_MISSING', message: `${file} is missing: ${remedy}` });
}

/**
 * A text file of a model folder, in UTF-8.
 *
 * @returns undefined if there is no such file.
 * @throws ModelError `MODEL_FILE_INVALID` if it is there but is no file, is too large, or is a stand-in (Git LFS).
 */
export async function readTextIfPresent(file: string): Promise<string | undefined> {
  const bytes = await readBounded(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new ModelError({
      code: 'MODEL_FILE_INVALID',
      message: `${file} cannot be read (${cause.message}): check that it is a file of a model, and that you may read it.`,
      cause,
    });
  });
  const instead = bytes && standIn(bytes);
  if (instead !== undefined) throw new ModelError({ code: 'MODEL_FILE_INVALID', message: `${file} ${instead}.` });
  return bytes?.toString('utf8');
}

async function readBounded(file: string): Promise<Buffer> {
  const { handle, size } = await openRegularFile(file);
  try {
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, and no such file has more than ${MAX_BYTES}`);
    const bytes = await handle.readFile();
    if (size > FEW_BYTES && openBrackets(bytes) > size / BYTES_A_BRACKET) throw new Error('it is mostly brackets');
    return bytes;
  } finally {
    await handle.close();
  }
}

function openBrackets(bytes: Uint8Array): number {
  let count = 0;
  // An iterator would take ten times as long.
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0x5b || bytes[i] === 0x7b) count++;
  return count;
}
