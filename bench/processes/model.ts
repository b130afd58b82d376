import type { Case, Measured } from './measure.js';

/**
 * What a step costs, as a sum of terms each of which is a number of times a measured constant: for the phases of a process
 * by its tokens, for the sum of gradients by its bytes.
 */
export interface CostModel {
  rollout: number[];
  reference: number[];
  policy: number[];
  optimizer: number[];
  /** Seconds a byte of gradients, of the sum over processes; and of each process's meeting. */
  sum: { byte: number; meeting: number };
}

/** Bytes of gradients, float32. */
export type GradientBytes = (one: Case) => number;

/** Of a process: what grows with the prompt, with tokens decoded one after the other, with rows decoded, with what is attended to. */
const TERMS: Record<'rollout' | 'reference' | 'policy', (one: Case) => number[]> = {
  rollout: ({ prompts: B, prompt: P, generations: G, completion: C }) => [B * P, C, B * G * C, B * G * C * (P + C / 2)],
  reference: (one) => [tokensOf(one), scoresOf(one)],
  // Gradients of weights, and the tower’s, where the whole model is trained.
  policy: (one) => [tokensOf(one), scoresOf(one), one.lora === 0 ? tokensOf(one) : 0],
};

const tokensOf = ({ prompts: B, prompt: P, generations: G, completion: C }: Case) => B * (P + G * C);
/** Pairs of a query and a key. */
const scoresOf = ({ prompts: B, prompt: P, generations: G, completion: C }: Case) =>
  B * (P ** 2 / 2 + G * C * (P + C / 2));

/** A ring sends all but a part of the bytes twice. */
const ringShare = (processes: number) => (2 * (processes - 1)) / processes;

/** @param measured cases with their phases; one process and several */
export function fitModel(measured: { one: Case; phases: Measured['phases'] }[], bytes: GradientBytes): CostModel {
  const alone = measured.filter(({ one }) => one.processes === 1);
  const phase = (name: 'rollout' | 'reference' | 'policy') =>
    leastSquares(
      alone.map(({ one }) => TERMS[name](one)),
      alone.map(({ phases }) => phases[name]!),
    );
  const optimizer = leastSquares(
    alone.map(({ one }) => [bytes(one)]),
    alone.map(({ phases }) => phases.optimizer!),
  );
  const several = measured.filter(({ one }) => one.processes > 1);
  const [byte, meeting] = leastSquares(
    several.map(({ one }) => [bytes(one) * ringShare(one.processes), 1]),
    several.map(({ one, phases }) => Math.max(0, phases.optimizer! - optimizer[0]! * bytes(one))),
  );
  const [rollout, reference, policy] = [phase('rollout'), phase('reference'), phase('policy')];
  return { rollout, reference, policy, optimizer, sum: { byte: byte!, meeting: meeting! } };
}

export interface Predicted {
  compute: number;
  sum: number;
  seconds: number;
}

export function predict(model: CostModel, one: Case, bytes: GradientBytes): Predicted {
  const of = (name: 'rollout' | 'reference' | 'policy') => dot(model[name], TERMS[name](one));
  const compute = of('rollout') + of('reference') + of('policy') + model.optimizer[0]! * bytes(one);
  const { byte, meeting } = model.sum;
  const sum = one.processes === 1 ? 0 : byte * bytes(one) * ringShare(one.processes) + meeting;
  return { compute, sum, seconds: compute + sum };
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/**
 * Least squares of relative errors with coefficients that are not negative (a cost is none): by coordinate descent, which
 * ends for the few terms that there are.
 */
export function leastSquares(rows: number[][], targets: number[]): number[] {
  const width = rows[0]!.length;
  const scaled = rows.map((row, i) => row.map((value) => value / Math.max(targets[i]!, 1e-9)));
  const solution = Array<number>(width).fill(0);
  for (let round = 0; round < 20_000; round++)
    for (let k = 0; k < width; k++) {
      const square = scaled.reduce((sum, row) => sum + row[k]! ** 2, 0);
      if (square === 0) continue;
      const rest = scaled.reduce((sum, row) => sum + row[k]! * (1 - dot(row, solution) + row[k]! * solution[k]!), 0);
      solution[k] = Math.max(0, rest / square);
    }
  return solution;
}
