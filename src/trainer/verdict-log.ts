import { createHash } from 'node:crypto';
import { fromFirst, gatherJson } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import type { Verdict } from '../rewards/reward.js';
import type { VerdictMemory } from '../rewards/rewards.js';
import { JsonLines, readRecords, truncateAfterStep } from '../run/jsonl.js';

/** Which completions verdicts are on: those of a step's prompt, or the held-out answers after a step. */
interface Place {
  step: number;
  sample_id: string;
  /** A sample that stands in a step before already. Left out: it does not. */
  occurrence?: number;
  held_out?: true;
}

/** A line of `verdicts.jsonl`. */
type VerdictLine = Place & { generation: number; reward: string; text_sha256: string } & Verdict;

/**
 * What rewards that are not pure have said (`verdicts.jsonl`): written down before anything is made of it, so that a run
 * that was killed repeats its steps with the same verdicts. A verdict counts for the very text that it was given on.
 */
export class VerdictLog {
  readonly #file: string;
  readonly #group: ProcessGroup;
  readonly #known: Map<string, Verdict>;
  /** By place, in the order in which the places were asked about. */
  #fresh: VerdictLine[][] = [];
  #lines: JsonLines | null = null;
  /** Nothing that a killed process has torn is at its end. */
  #isWhole = false;

  private constructor(args: { file: string; group: ProcessGroup; known: Map<string, Verdict> }) {
    this.#file = args.file;
    this.#group = args.group;
    this.#known = args.known;
  }

  /** Reads what was said in steps from `step` on. The first process reads, and tells the others. */
  static async open(args: { file: string; group: ProcessGroup; step: number }): Promise<VerdictLog> {
    const { file, group, step } = args;
    const own: VerdictLine[] = [];
    if (group.rank === 0)
      await readRecords(file, (line) => line.step >= step && own.push(line as unknown as VerdictLine));
    const lines = await fromFirst(group, own);
    return new VerdictLog({ file, group, known: new Map(lines.map((line) => [keyOf(line), verdictOf(line)])) });
  }

  /** Of the completions of one prompt. */
  memory(place: Place): VerdictMemory {
    const fresh: VerdictLine[] = [];
    this.#fresh.push(fresh);
    const lineOf = ({ generation, reward, text }: { generation: number; reward: string; text: string }) => ({
      ...place,
      generation,
      reward,
      text_sha256: createHash('sha256').update(text).digest('hex'),
    });
    return {
      recall: (asked) => this.#known.get(keyOf(lineOf(asked))),
      keep: (asked, verdict) => {
        const line = { ...lineOf(asked), ...verdict };
        this.#known.set(keyOf(line), verdict);
        fresh.push(line);
      },
    };
  }

  /** Returns when what all processes have heard is on the disk. All of them call it. */
  async write(): Promise<void> {
    await this.#append((await gatherJson(this.#group, this.#taken())).flat());
  }

  /** The same of this process alone. */
  async writeOwn(): Promise<void> {
    await this.#append(this.#taken());
  }

  /** Takes back what was said after a step: it is asked anew. */
  async forgetAfter(step: number): Promise<void> {
    if (this.#group.rank !== 0) return;
    await this.close();
    await truncateAfterStep({ file: this.#file, step });
  }

  async close(): Promise<void> {
    await this.#lines?.close();
    this.#lines = null;
  }

  #taken(): VerdictLine[] {
    const taken = this.#fresh.flat();
    this.#fresh = [];
    return taken;
  }

  async #append(lines: VerdictLine[]): Promise<void> {
    if (this.#group.rank !== 0) return;
    if (!this.#isWhole) await truncateAfterStep({ file: this.#file, step: Number.POSITIVE_INFINITY });
    this.#isWhole = true;
    if (lines.length === 0) return;
    this.#lines ??= await JsonLines.open(this.#file);
    await this.#lines.append(lines);
    await this.#lines.sync();
  }
}

const keyOf = (line: Omit<VerdictLine, keyof Verdict> & Place): string => {
  const { step, sample_id, occurrence = 0, held_out = false, generation, reward, text_sha256 } = line;
  return JSON.stringify([step, sample_id, occurrence, held_out, generation, reward, text_sha256]);
};

function verdictOf(line: VerdictLine): Verdict {
  if ('score' in line) return { score: line.score };
  return 'failed' in line ? { failed: line.failed } : { skipped: true };
}
