import { createHash } from 'node:crypto';
import type { ProcessGroup } from '../parallel/process-group.js';
import type { Verdict } from '../rewards/reward.js';
import type { VerdictMemory } from '../rewards/rewards.js';
import { StepFile } from './step-file.js';

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
  readonly #file: StepFile<VerdictLine>;
  readonly #known: Map<string, Verdict>;
  /** By place, in the order in which the places were asked about. */
  #fresh: VerdictLine[][] = [];

  private constructor(file: StepFile<VerdictLine>, known: Map<string, Verdict>) {
    this.#file = file;
    this.#known = known;
  }

  /** Reads what was said in steps from `step` on. */
  static async open(args: { file: string; group: ProcessGroup; step: number }): Promise<VerdictLog> {
    const { file, lines } = await StepFile.open<VerdictLine>(args);
    return new VerdictLog(file, new Map(lines.map((line) => [keyOf(line), verdictOf(line)])));
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
    await this.#file.write(this.#taken());
  }

  /** The same of this process alone. */
  async writeOwn(): Promise<void> {
    await this.#file.writeOwn(this.#taken());
  }

  /** Takes back what was said after a step: it is asked anew. */
  async forgetAfter(step: number): Promise<void> {
    await this.#file.forgetAfter(step);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #taken(): VerdictLine[] {
    const taken = this.#fresh.flat();
    this.#fresh = [];
    return taken;
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
