import path from 'node:path';
import { type Cut, JsonLines, recordsByStep, truncateAfterStep } from '../run/jsonl.js';
import type { RunFolder } from '../run/run-folder.js';
import type { Metrics } from './metrics.js';
import type { RecordCounts } from './run-state.js';

const NAMES = ['metrics', 'completions', 'evaluations'] as const;
type Name = (typeof NAMES)[number];

/** The files that grow while a run goes on: metrics, completions, evaluations. */
export class RunRecords {
  readonly #files: Record<Name, JsonLines>;
  readonly #evaluated: Map<number, Record<string, unknown>>;

  private constructor(files: Record<Name, JsonLines>, evaluated: Map<number, Record<string, unknown>>) {
    this.#files = files;
    this.#evaluated = evaluated;
  }

  /**
   * Opens the files, cut behind `step`: what an interrupted run wrote after its checkpoint is written again.
   *
   * @param expected lines that go with the checkpoint
   * @param warn is told what is damaged or missing, and where it was put
   */
  static async open(args: {
    folder: RunFolder;
    step: number;
    expected?: RecordCounts;
    warn: (message: string) => void;
  }): Promise<RunRecords> {
    const { folder, step, expected, warn } = args;
    const open = async (name: Name) => {
      const file = folder[name];
      const cut = await truncateAfterStep({ file, step, expected: expected?.[name] });
      const problem = describeCut({ name, file, step, cut, expected: expected?.[name] });
      if (problem !== undefined) warn(problem);
      return JsonLines.open(file, cut.count);
    };
    const files = {
      metrics: await open('metrics'),
      completions: await open('completions'),
      evaluations: await open('evaluations'),
    };
    return new RunRecords(files, await recordsByStep(folder.evaluations));
  }

  async step({ metrics, completions }: { metrics: Metrics; completions: object[] }): Promise<void> {
    await this.#files.completions.append(completions);
    await this.#files.metrics.append([metrics]);
  }

  async evaluation(record: { step: number } & Record<string, unknown>): Promise<void> {
    if (this.#evaluated.has(record.step)) return;
    this.#evaluated.set(record.step, record);
    await this.#files.evaluations.append([record]);
  }

  /** What was measured after a step, if it was. */
  evaluationAfter(step: number): Record<string, unknown> | undefined {
    return this.#evaluated.get(step);
  }

  /**
   * Lines that a checkpoint after `step` goes with. An evaluation of that very step may be written before it or after
   * it, and is not counted.
   */
  counts(step: number): RecordCounts {
    const { metrics, completions, evaluations } = this.#files;
    const own = this.#evaluated.has(step) ? 1 : 0;
    return { metrics: metrics.count, completions: completions.count, evaluations: evaluations.count - own };
  }

  /** Returns when all is on the disk: a checkpoint must not be newer than its records. */
  async sync(): Promise<void> {
    for (const name of NAMES) await this.#files[name].sync();
  }

  async close(): Promise<void> {
    for (const name of NAMES) await this.#files[name].close();
  }
}

function describeCut(args: {
  name: Name;
  file: string;
  step: number;
  cut: Cut;
  expected?: number;
}): string | undefined {
  const { name, file, step, cut, expected } = args;
  const { count, damaged, aside } = cut;
  const problems = [];
  const rest = damaged.length > 5 ? ', …' : '';
  if (damaged.length === 1) problems.push(`line ${damaged[0]} is damaged and was taken out`);
  if (damaged.length > 1)
    problems.push(`${damaged.length} lines are damaged and were taken out (${damaged.slice(0, 5).join(', ')}${rest})`);
  if (expected !== undefined && count < expected)
    problems.push(
      `it has ${count} of the ${expected} lines that the checkpoint after step ${step} goes with; an older checkpoint (--resume FOLDER) makes those after it again`,
    );
  // The evaluation after the checkpoint's own step may be there or not.
  if (expected !== undefined && count > expected && name !== 'evaluations')
    problems.push(
      `it has ${count} lines, and ${expected} go with the checkpoint after step ${step}: who else writes it?`,
    );
  if (problems.length === 0) return undefined;
  const where = aside === undefined ? '' : `; what was taken out is in ${path.basename(aside)} beside it`;
  return `${file}: ${problems.join('; ')}${where}`;
}
