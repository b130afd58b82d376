import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../system/errors.js';
import { packageFile } from '../system/package-file.js';

/**
 * A text between marks that it cannot hold itself (they name its own digest): what is in it is data, and cannot pass for
 * what stands around it.
 */
export function marked(name: string, text: string): string {
  const mark = `${name} ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  return `<<<BEGIN ${mark}>>>\n${text}\n<<<END ${mark}>>>`;
}

/**
 * The words of a prompt, from a file of ours or of the user's.
 *
 * @param folder a file in it of the same name stands in place of ours
 * @throws UsageError `PROMPT_UNREADABLE`
 */
export function promptFile(name: string, folder?: string): string {
  const key = JSON.stringify([name, folder]);
  const known = prompts.get(key) ?? readPrompt(name, folder);
  prompts.set(key, known);
  return known;
}

/** As they were when they were first wanted: the prompts of a run do not change while it goes on. */
const prompts = new Map<string, string>();

function readPrompt(name: string, folder: string | undefined): string {
  const [kind, file] = [path.dirname(name), path.basename(name)];
  const own = folder === undefined ? undefined : readText(path.join(folder, file));
  const text = own ?? readText(packageFile(path.join('data', kind, file)));
  if (text?.trim()) return text.trim();
  const message = `${folder ?? 'data'}/${file}: the prompt is empty or cannot be read`;
  throw new UsageError({ code: 'PROMPT_UNREADABLE', message });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError({ code: 'PROMPT_UNREADABLE', message: `${file} cannot be read`, cause: error });
  }
}
