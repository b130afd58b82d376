import type { Tensor } from './tensor.js';

/** Where the processes of a run are, and which of them this one is. */
export interface ClusterOptions {
  /** `host:port` of each, by rank. */
  hosts: readonly string[];
  rank: number;
  /** Seconds that the others may take to come. */
  joinTimeout: number;
  /** Seconds without a sign of life after which a process is given up. */
  heartbeat: number;
  /** How sums are made: TensorFlow's ring over gRPC, NCCL between GPUs, or as it likes. */
  communication: 'ring' | 'nccl' | 'auto';
  /** Seconds that a process may compute between two meetings with the others; it ends itself after that. */
  stepTimeout?: number;
}

/** What processes that have joined do together; each call waits for all of them. The same bits come out in all. */
export interface Collectives {
  readonly rank: number;
  readonly size: number;
  /** TensorFlow's version. */
  readonly version: string;
  /** The sum over the processes of a float32 tensor whose shape they agree about. It belongs to the caller. */
  sum(tensor: Tensor): Tensor;
  /** The values of each, by rank, bit for bit; all give the same number of them. */
  gather(values: Float64Array): Float64Array[];
  /** The first process's values, bit for bit. @param values of this one; all have as many */
  broadcast(values: Float32Array): Float32Array;
  /** Waits until all have come here. @param name of the place, another one each time */
  barrier(name: string): void;
  /** The others hear of it at once, whatever they wait for. */
  fail(reason: string): void;
}
