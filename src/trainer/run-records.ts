import { JsonLines, recordedSteps, truncateAfterStep } from '../report/jsonl.js';
import type { RunFolder } from '../report/run-folder.js';
import type { Metrics } from './metrics.js';

/** The files that grow while a run goes on: metrics, completions, evaluations. */
export class RunRecords {
  readonly #metrics: JsonLines;
  readonly #completions: JsonLines;
  readonly #evaluations: JsonLines;
  readonly #evaluated: Set<number>;

  private constructor(files: {
    metrics: JsonLines;
    completions: JsonLines;
    evaluations: JsonLines;
    evaluated: Set<number>;
  }) {
    this.#metrics = files.metrics;
    this.#completions = files.completions;
    this.#evaluations = files.evaluations;
    this.#evaluated = files.evaluated;
  }

  /** Opens the files, cut behind `step`: what an interrupted run wrote after its checkpoint is written again. */
  static async open({ folder, step }: { folder: RunFolder; step: number }): Promise<RunRecords> {
    for (const file of [folder.metrics, folder.completions, folder.evaluations])
      await truncateAfterStep({ file, step });
    return new RunRecords({
      metrics: await JsonLines.open(folder.metrics),
      completions: await JsonLines.open(folder.completions),
      evaluations: await JsonLines.open(folder.evaluations),
      evaluated: await recordedSteps(folder.evaluations),
    });
  }

  async step({ metrics, completions }: { metrics: Metrics; completions: object[] }): Promise<void> {
    await this.#completions.append(completions);
    await this.#metrics.append([metrics]);
  }

  async evaluation(record: { step: number }): Promise<void> {
    if (this.#evaluated.has(record.step)) return;
    this.#evaluated.add(record.step);
    await this.#evaluations.append([record]);
  }

  isEvaluated(step: number): boolean {
    return this.#evaluated.has(step);
  }

  /** Returns when all is on the disk: a checkpoint must not be newer than its records. */
  async sync(): Promise<void> {
    for (const file of [this.#metrics, this.#completions, this.#evaluations]) await file.sync();
  }

  async close(): Promise<void> {
    for (const file of [this.#metrics, this.#completions, this.#evaluations]) await file.close();
  }
}
