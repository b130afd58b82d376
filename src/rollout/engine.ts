import type { PromptPass } from '../policy/policy.js';
import type { Prompt } from '../prompt/prompt.js';
import type { Completion, Sampling } from './completion.js';

/** A uniform number in [0, 1) for token `token` of completion `generation` of prompt `prompt`. */
export type Uniform = (prompt: number, generation: number, token: number) => number;

/** What an engine is asked for: G completions of each of B prompts. */
export interface RolloutRequest {
  prompts: Prompt[];
  /** G */
  numGenerations: number;
  sampling: Sampling;
  /** What the tokens are drawn with; an engine that draws elsewhere may take a seed from it. */
  uniform: Uniform;
  /** An update of the same weights follows, which a pass over the prompts would serve. */
  keepsPass?: boolean;
  /** It is not broken off when the run is asked to stop. */
  mustEnd?: boolean;
}

/** The completions of some prompts, and where they come from. */
export interface Rollout {
  /** `[B][G]` */
  completions: Completion[][];
  /**
   * Whose log-probs the completions have. `policy`: they are the updated policy's own, and the loss computes them again
   * as it needs them. `recorded`: another sampler's, whose numbers differ a little; the loss corrects for that.
   */
  behaviour: 'policy' | 'recorded';
  /** A pass of the policy over the prompts, where one was kept; the caller disposes of it. */
  pass: PromptPass | null;
  /** Tries that came to nothing, by kind, of an engine that can fail and tries again. */
  faults?: Readonly<Record<string, number>>;
}

/** What makes completions: the policy itself, or a server that is given its weights. */
export interface RolloutEngine {
  /**
   * Called before completions are wanted.
   *
   * @param version counts the updates of the weights: with the same number they are the same
   * @param save writes the weights into a folder, as in a checkpoint: an adapter, or a whole model. Null: another process
   *   has done so
   * @throws Interrupted
   */
  sync(version: number, save: ((folder: string) => Promise<void>) | null): Promise<void>;
  /** @throws Interrupted; RunError where no completions can be had */
  generate(request: RolloutRequest): Promise<Rollout>;
  close(): Promise<void>;
}
