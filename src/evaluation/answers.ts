import { z } from 'zod';
import { RecordFile, readRecordFile } from '../system/record-file.js';
import { type Trial, trialKey } from './trials.js';

const place = { trial: z.string(), prompt: z.enum(['think', 'direct']), sample_id: z.string() };

/** A line of `answers.jsonl`. */
const answerSchema = z.union([
  z.object({
    ...place,
    /** Which of the answers to one question, from 0. */
    generation: z.number(),
    text: z.string(),
    /** Of the completion. */
    tokens: z.number().optional(),
    /** This answer's part of what its batch took. */
    seconds: z.number().optional(),
  }),
  /** The sample could not be shown, or there was no answer: the reason, for people. */
  z.object({ ...place, left_out: z.string() }),
]);
export type AnswerLine = z.output<typeof answerSchema>;
export type Answer = Extract<AnswerLine, { text: string }>;

/** What a model has answered, by question. With a file, it is written down as it comes. */
export class Answers {
  readonly #byQuestion = new Map<string, AnswerLine[]>();
  readonly #file: RecordFile<AnswerLine> | null;

  private constructor(file: RecordFile<AnswerLine> | null, lines: readonly AnswerLine[]) {
    this.#file = file;
    for (const line of lines) this.#add(line);
  }

  static inMemory(): Answers {
    return new Answers(null, []);
  }

  /** Those of a file; more can be added. */
  static async open(file: string): Promise<Answers> {
    const opened = await RecordFile.open({ file, schema: answerSchema });
    return new Answers(opened.file, opened.records);
  }

  /** Those of a file, to be looked at. */
  static async read(file: string): Promise<Answers> {
    return new Answers(null, (await readRecordFile({ file, schema: answerSchema })).records);
  }

  /** All of a question, in the order of their generations; none where it was not answered. */
  of(trial: Pick<Trial, 'name' | 'style' | 'sample'>): Answer[] {
    const lines = this.#byQuestion.get(trialKey(trial)) ?? [];
    return lines.flatMap((line) => ('text' in line ? line : [])).sort((a, b) => a.generation - b.generation);
  }

  /** Why a question has no answer; undefined where it has one, or was not asked. */
  leftOut(trial: Pick<Trial, 'name' | 'style' | 'sample'>): string | undefined {
    const lines = this.#byQuestion.get(trialKey(trial)) ?? [];
    const last = lines.at(-1);
    return last !== undefined && 'left_out' in last ? last.left_out : undefined;
  }

  /** Whether a question has all of its answers. */
  has(trial: Trial): boolean {
    return this.of(trial).length >= Math.max(1, trial.draws);
  }

  /** All of them. */
  lines(): AnswerLine[] {
    return [...this.#byQuestion.values()].flat();
  }

  async add(lines: readonly AnswerLine[]): Promise<void> {
    for (const line of lines) this.#add(line);
    await this.#file?.append(lines);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** What was answered later stands in place of what was left out before. */
  #add(line: AnswerLine): void {
    const { trial: name, prompt: style, sample_id: id } = line;
    const key = trialKey({ name, style, sample: { id } as Trial['sample'] });
    const lines = this.#byQuestion.get(key);
    if (lines === undefined || 'left_out' in lines[0]!) this.#byQuestion.set(key, [line]);
    else if ('left_out' in line) return;
    else if (lines.every((known) => !('text' in known) || known.generation !== line.generation)) lines.push(line);
  }
}
