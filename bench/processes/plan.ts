/** A run on many machines, drawn from a few measured numbers. */
export interface PlanInput {
  /** Seconds that a worker computes in a step, without the others. */
  compute: number;
  /** Standard deviation of that from worker to worker, as a part of it: completions have different lengths. */
  spread: number;
  /** Bytes of gradients. */
  bytes: number;
  /** Bytes a second that a link carries, and seconds that a message takes. */
  link: { bandwidth: number; latency: number };
  /** Seconds of a checkpoint; hours between two failures of a worker; seconds until all are back. */
  checkpoint: number;
  failureHours: number;
  restart: number;
}

export interface PlanLine {
  workers: number;
  seconds: number;
  /** Samples a second of one worker, times workers, that are left. */
  efficiency: number;
  /** Of the step, parts that are waited for. */
  waiting: number;
  sum: number;
  /** Lost to checkpoints and to what is done again. */
  lost: number;
  /** Sent by each worker in a step. */
  bytes: number;
}

/** The largest of N normal numbers, in standard deviations above the mean (its usual approximation). */
export const largest = (count: number): number =>
  count < 2
    ? 0
    : Math.sqrt(2 * Math.log(count)) -
      (Math.log(Math.log(count)) + Math.log(4 * Math.PI)) / (2 * Math.sqrt(2 * Math.log(count)));

export function planOf(input: PlanInput, workers: number): PlanLine {
  const { compute, spread, bytes, link, checkpoint, failureHours, restart } = input;
  const waiting = Math.max(0, compute * spread * largest(workers));
  const sent = workers === 1 ? 0 : (2 * bytes * (workers - 1)) / workers;
  const sum = sent / link.bandwidth + (workers === 1 ? 0 : 2 * (workers - 1) * link.latency);
  const seconds = compute + waiting + sum;
  // Young's interval between checkpoints loses the least.
  const mean = (failureHours * 3600) / workers;
  const interval = Math.sqrt(2 * Math.max(checkpoint, 1e-3) * mean);
  const lost = Math.min(1, checkpoint / interval + (interval / 2 + restart) / mean);
  return {
    workers,
    seconds,
    efficiency: (compute / seconds) * (1 - lost),
    waiting: waiting / seconds,
    sum: sum / seconds,
    lost,
    bytes: sent,
  };
}
