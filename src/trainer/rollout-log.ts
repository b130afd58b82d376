import type { ProcessGroup } from '../parallel/process-group.js';
import type { Completion } from '../rollout/completion.js';
import type { PromptedSample } from './data-stream.js';
import { StepFile } from './step-file.js';

type Place = { step: number; sample_id: string; occurrence?: number };

/** A line of `rollouts.jsonl`: the completions of a prompt. */
type RolloutLine = Place & {
  completions: { token_ids: Int32Array | number[]; logprobs: Float32Array | number[]; truncated: boolean }[];
};

/**
 * What a server has sampled (`rollouts.jsonl`): nobody can make it sample the same again, so that a run that was killed
 * goes on with what there was.
 */
export class RolloutLog {
  readonly #file: StepFile<RolloutLine>;
  readonly #known: Map<string, Completion[]>;
  readonly #written = new Set<string>();

  private constructor(file: StepFile<RolloutLine>, known: Map<string, Completion[]>) {
    this.#file = file;
    this.#known = known;
    for (const key of known.keys()) this.#written.add(key);
  }

  /** @param step the first that is still to be made */
  static async open(args: { file: string; group: ProcessGroup; step: number }): Promise<RolloutLog> {
    const { file, lines } = await StepFile.open<RolloutLine>(args);
    return new RolloutLog(file, new Map(lines.map((line) => [keyOf(line), completionsOf(line)])));
  }

  /** `[G]`, if they were sampled before. */
  recall(step: number, sample: Omit<PromptedSample, 'prompt'>): Completion[] | undefined {
    return this.#known.get(keyOf(placeOf(step, sample)));
  }

  /** Returns when what all processes have got is on the disk. All of them call it. */
  async write(step: number, own: { sample: PromptedSample; completions: Completion[] }[]): Promise<void> {
    const places = own.map(({ sample, completions }) => ({ place: placeOf(step, sample), completions }));
    const fresh = places.filter(({ place }) => !this.#written.has(keyOf(place)));
    for (const { place } of fresh) this.#written.add(keyOf(place));
    await this.#file.write(fresh.map(({ place, completions }) => ({ ...place, completions: completions.map(toLine) })));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const placeOf = (step: number, { sample, occurrence }: Omit<PromptedSample, 'prompt'>): Place => ({
  step,
  sample_id: sample.id,
  ...(occurrence > 0 && { occurrence }),
});

const keyOf = ({ step, sample_id, occurrence = 0 }: Place): string => JSON.stringify([step, sample_id, occurrence]);

const toLine = ({ tokenIds, logprobs, truncated }: Completion) => ({ token_ids: tokenIds, logprobs, truncated });

const completionsOf = ({ completions }: RolloutLine): Completion[] =>
  completions.map(({ token_ids, logprobs, truncated }) => ({
    tokenIds: Int32Array.from(token_ids),
    logprobs: Float32Array.from(logprobs),
    truncated,
  }));
