import { fromFirst, gatherJson } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import { JsonLines, readRecords, truncateAfterStep } from '../run/jsonl.js';

/**
 * What came from outside in the steps of a run, as JSON lines: written down before anything is made of it, so that a run
 * that was killed repeats its steps with the same. The first process reads and writes, for all.
 */
export class StepFile<Line extends { step: number }> {
  readonly #file: string;
  readonly #group: ProcessGroup;
  #lines: JsonLines | null = null;
  /** Nothing that a killed process has torn is at its end. */
  #isWhole = false;

  private constructor({ file, group }: { file: string; group: ProcessGroup }) {
    this.#file = file;
    this.#group = group;
  }

  /** Opens it with what it holds of steps from `step` on, which all processes get. */
  static async open<Line extends { step: number }>(args: {
    file: string;
    group: ProcessGroup;
    step: number;
  }): Promise<{ file: StepFile<Line>; lines: Line[] }> {
    const { file, group, step } = args;
    const own: Line[] = [];
    if (group.rank === 0) await readRecords(file, (line) => line.step >= step && own.push(line as unknown as Line));
    return { file: new StepFile<Line>(args), lines: await fromFirst(group, own) };
  }

  /** Returns when the lines of all processes are on the disk. All of them call it. */
  async write(own: Line[]): Promise<void> {
    await this.writeOwn((await gatherJson(this.#group, own)).flat());
  }

  /** The same of this process alone. */
  async writeOwn(lines: Line[]): Promise<void> {
    if (this.#group.rank !== 0) return;
    if (!this.#isWhole) await truncateAfterStep({ file: this.#file, step: Number.POSITIVE_INFINITY });
    this.#isWhole = true;
    if (lines.length === 0) return;
    this.#lines ??= await JsonLines.open(this.#file);
    await this.#lines.append(lines);
    await this.#lines.sync();
  }

  /** Takes out what is of later steps. */
  async forgetAfter(step: number): Promise<void> {
    if (this.#group.rank !== 0) return;
    await this.close();
    await truncateAfterStep({ file: this.#file, step });
  }

  async close(): Promise<void> {
    await this.#lines?.close();
    this.#lines = null;
  }
}
