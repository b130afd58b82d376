import path from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../system/atomic-write.js';
import { RecordFile } from '../system/record-file.js';
import type { Annotated } from './annotate-video.js';

const segment = z.union([z.tuple([z.number(), z.number()]), z.literal('normal')]);

/** An annotation as the pipeline, or a person, has it. */
export const annotatedSchema: z.ZodType<Annotated> = z.object({
  video: z.string(),
  question: z.string().trim().min(1),
  options: z.tuple([
    z.string().trim().min(1),
    z.string().trim().min(1),
    z.string().trim().min(1),
    z.string().trim().min(1),
  ]),
  answer: z.enum(['A', 'B', 'C', 'D']),
  key_object: z.string(),
  description: z.string(),
  reasoning: z.string(),
  class: z.string().trim().min(1),
  segment: segment.optional(),
  notes: z.array(z.string()),
});

const annotatedLine = z.object({ annotated: annotatedSchema });

/** What a person has decided about a video. */
const reviewLine = z.object({
  video: z.string(),
  /** `open`: edited, and not decided. */
  decision: z.enum(['accept', 'reject', 'open']),
  /** As it was edited. */
  edited: annotatedSchema.optional(),
});
export type Review = z.output<typeof reviewLine>;
export type Decision = Review['decision'];

/** An annotation with what was decided about it. */
export interface Reviewed {
  annotated: Annotated;
  /** Undefined: nobody has looked yet. */
  decision?: Decision;
  /** How often it was decided: a page that shows an earlier state is told so. */
  version: number;
}

/**
 * The folder of a benchmark in the making: `annotated.jsonl` as videos are done, `reviews.jsonl` as a person decides, and
 * `benchmark.jsonl`, which is made of both: a `jsonl` source without what was rejected.
 */
export class AnnotationFolder {
  readonly #folder: string;
  readonly #annotated: RecordFile<{ annotated: Annotated }>;
  readonly #reviews: RecordFile<Review>;
  readonly #items = new Map<string, Reviewed>();

  private constructor(folder: string, annotated: RecordFile<{ annotated: Annotated }>, reviews: RecordFile<Review>) {
    this.#folder = folder;
    this.#annotated = annotated;
    this.#reviews = reviews;
  }

  static async open(folder: string): Promise<AnnotationFolder> {
    const at = (name: string) => path.join(folder, name);
    const annotated = await RecordFile.open({ file: at('annotated.jsonl'), schema: annotatedLine });
    const reviews = await RecordFile.open({ file: at('reviews.jsonl'), schema: reviewLine });
    const opened = new AnnotationFolder(folder, annotated.file, reviews.file);
    for (const { annotated: one } of annotated.records) opened.#items.set(one.video, { annotated: one, version: 0 });
    for (const review of reviews.records) opened.#apply(review);
    return opened;
  }

  /** By the names of their videos. */
  get items(): readonly Reviewed[] {
    return [...this.#items.values()].sort((a, b) => (a.annotated.video < b.annotated.video ? -1 : 1));
  }

  get benchmark(): string {
    return path.join(this.#folder, 'benchmark.jsonl');
  }

  item(video: string): Reviewed | undefined {
    return this.#items.get(video);
  }

  async add(annotated: Annotated): Promise<void> {
    this.#items.set(annotated.video, { annotated, version: 0 });
    await this.#annotated.append([{ annotated }]);
  }

  /** What is decided is on the disk, and in the benchmark, when this returns. */
  async review(review: Review): Promise<void> {
    this.#apply(review);
    await this.#reviews.append([review]);
    await this.writeBenchmark();
  }

  async writeBenchmark(): Promise<void> {
    const lines = this.items
      .filter(({ decision }) => decision !== 'reject')
      .map(({ annotated: { notes: _, ...line } }) => JSON.stringify({ id: line.video, ...line }));
    await writeAtomically({ file: this.benchmark, text: lines.map((line) => `${line}\n`).join('') });
  }

  async close(): Promise<void> {
    await this.#annotated.close();
    await this.#reviews.close();
  }

  #apply({ video, decision, edited }: Review): void {
    const item = this.#items.get(video);
    if (item === undefined) return;
    this.#items.set(video, { annotated: edited ?? item.annotated, decision, version: item.version + 1 });
  }
}
