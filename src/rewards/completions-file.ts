import { z } from 'zod';
import type { LeftOut } from '../dataset/annotation.js';
import { parseJsonLine } from '../dataset/json-text.js';
import { LeftOutRows } from '../dataset/left-out.js';
import { filledLines, readTextFile } from '../dataset/text-file.js';

/** A line of a run's `completions.jsonl`, or one written by hand; other keys are ignored. */
const lineSchema = z
  .object({
    sample_id: z.string().optional(),
    id: z.string().optional(),
    text: z.string(),
    completion_ids: z.array(z.number()).optional().catch(undefined),
  })
  .refine(({ sample_id, id }) => sample_id !== undefined || id !== undefined)
  .transform(({ sample_id, id, text, completion_ids: ids }) => ({
    sampleId: sample_id ?? id ?? '',
    text,
    tokens: ids?.length,
  }));

export interface CompletionLine {
  /** Line of the file; the first is 1. */
  line: number;
  sampleId: string;
  text: string;
  /** Where the line has its ids. */
  tokens?: number;
}

/** Texts to score. @throws DataError when the file cannot be read. */
export async function readCompletions(file: string): Promise<{ completions: CompletionLine[]; leftOut: LeftOut[] }> {
  const leftOut = new LeftOutRows();
  const completions: CompletionLine[] = [];
  for (const { row, line } of filledLines(await readTextFile(file))) {
    const parsed = lineSchema.safeParse(parseJson(line));
    if (parsed.success) completions.push({ line: row, ...parsed.data });
    else leftOut.add({ reason: 'not a JSON object with “sample_id” and “text”', row });
  }
  return { completions, leftOut: leftOut.list() };
}

function parseJson(text: string): unknown {
  try {
    return parseJsonLine(text);
  } catch {
    return undefined;
  }
}
