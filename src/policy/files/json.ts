import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { ModelError } from '../../errors.js';

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
  const issues = error.issues.map(
    ({ path, message }) => `  ${path.length === 0 ? '(top level)' : path.join('.')}: ${message}`,
  );
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

/** @throws ModelError `MODEL_FILE_INVALID` if the file is there but cannot be read. */
export async function readTextIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new ModelError({
      code: 'MODEL_FILE_INVALID',
      message: `${file} cannot be read (${message}): check that it is a file and that you may read it.`,
      cause,
    });
  }
}
