import type { Tensor } from '../tensor/tensor.js';

/**
 * The processes that make one run together, each with all of the weights and a share of each step's prompts. All of them
 * call `gather`, `broadcast` and `sumGradients`, in the same order; what is told or decided in common is made of `gather`
 * (`gather.ts`).
 */
export interface ProcessGroup {
  /** Which of them this process is, from 0. The first one writes what the run leaves. */
  readonly rank: number;
  readonly size: number;
  /** Of TensorFlow in this process; '' where there is but one. */
  readonly version: string;
  /**
   * The values of each process, by rank; the processes may give different numbers of them.
   *
   * @throws what a process has failed with
   */
  gather(values: Float64Array): Promise<Float64Array[]>;
  /**
   * Puts the first process's values in the place of each one's own, bit for bit.
   *
   * @param values all have as many
   * @throws what a process has failed with
   */
  broadcast(values: Float32Array): Promise<void>;
  /**
   * Puts the sum over the processes in the place of each gradient: the same bits in all, whoever comes first.
   *
   * @param names of the gradients, which all have, in the same order
   * @throws what a process has failed with
   */
  sumGradients(names: readonly string[], gradients: Map<string, Tensor>): Promise<void>;
  /** Tells the others that this process cannot go on: what they wait for is rejected with the reason. */
  fail(reason: unknown): void;
  close(): Promise<void>;
}
