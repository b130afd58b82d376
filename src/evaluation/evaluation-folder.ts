import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeAtomically } from '../system/atomic-write.js';
import { UsageError } from '../system/errors.js';

/** The files of an evaluation. */
export const evaluationFiles = (folder: string) => ({
  /** What decides about its answers. */
  settings: path.join(folder, 'settings.json'),
  answers: path.join(folder, 'answers.jsonl'),
  /** Seconds of videos, by their samples. */
  durations: path.join(folder, 'durations.json'),
  judgements: path.join(folder, 'judgements.jsonl'),
  report: path.join(folder, 'report.json'),
  text: path.join(folder, 'report.txt'),
});

/**
 * Notes what decides about the answers of an evaluation, or looks whether it is what it was: answers that are kept must be
 * those that would be given now.
 *
 * @param settings JSON values by name
 * @throws UsageError `EVALUATION_OTHER`
 */
export async function claimFolder(folder: string, settings: Record<string, unknown>): Promise<void> {
  const { settings: file } = evaluationFiles(folder);
  const now = JSON.parse(JSON.stringify(settings)) as Record<string, unknown>;
  const before = await readJson(file);
  if (before === undefined) {
    await mkdir(folder, { recursive: true });
    await writeAtomically({ file, text: `${JSON.stringify(now, null, 2)}\n` });
    return;
  }
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (name) => !isDeepStrictEqual(before[name], now[name]),
  );
  if (changed.length === 0) return;
  const message = `${folder} holds an evaluation with another ${changed.join(', ')}; name another folder (--output), or remove it`;
  throw new UsageError({ code: 'EVALUATION_OTHER', message });
}

/** What a file of JSON holds; undefined where there is none, or a damaged one. */
export async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
