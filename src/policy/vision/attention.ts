import { fused } from '../../tensor/fused.js';
import type { AttentionView, HeadsPart, HeadsSegment, Rotary } from '../../tensor/kernels.js';
import { matmul } from '../../tensor/ops.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import type { WindowRun } from './windows.js';

/** Full attention among the patches of each window. */
interface WindowAttention {
  windows: WindowRun[];
  heads: number;
}

/** Queries (scaled by 1/√D), keys and values of the windows of a run, `[windows · heads, patches, D]` each. */
export interface WindowHeads {
  q: Tensor;
  k: Tensor;
  v: Tensor;
}

/**
 * @param qkv queries, keys and values side by side, without the bias: `[patches, 3 · E]` in the compute type
 * @param bias `[3 · E]`
 * @returns run by run
 */
export function splitWindows(
  args: WindowAttention & { qkv: Tensor; bias: Tensor | undefined; rotary: Rotary },
): WindowHeads[] {
  const { qkv, bias, rotary, windows, heads } = args;
  const E = qkv.shape[1]! / 3;
  const D = E / heads;
  const { toHeads } = fused();
  return windows.map(({ start, windows: B, patches }) => {
    const place = { x: qkv, start, B, tokens: patches, KV: heads, R: 1, D, bias };
    return {
      q: toHeads({ ...place, column: 0, rotary, scale: D ** -0.5 }),
      k: toHeads({ ...place, column: E, rotary, scale: 1 }),
      v: toHeads({ ...place, column: 2 * E, scale: 1 }),
    };
  });
}

const view = ({ patches }: WindowRun, heads: number): AttentionView => ({
  n: patches,
  KV: heads,
  R: 1,
  C: patches,
  causal: false,
  starts: [],
  promptLengths: [],
});

/** @returns `[patches, E]` in the compute type */
export function windowAttention({ split, windows, heads }: WindowAttention & { split: WindowHeads[] }): Tensor {
  return scope(() => {
    const D = split[0]!.q.shape[2]!;
    const segments = windows.map((run, i): HeadsSegment => {
      const x = scope(() => attend(split[i]!, view(run, heads)));
      return segment(run, [{ x, offset: 0, column: 0, KV: heads, R: 1 }]);
    });
    const none = { rotatedColumns: 0, scaledColumns: 0, scale: 1 };
    return fused().fromHeads({ segments, width: heads * D, D, ...none });
  });
}

function attend({ q, k, v }: WindowHeads, view: AttentionView): Tensor {
  const { attention, attentionWeights } = fused();
  const whole = attention({ q, own: { k, v }, view });
  if (whole !== null) return whole;
  const onOwn = matmul(q, k, { transposeB: true });
  return matmul(attentionWeights({ onOwn }, view).onOwn, v);
}

/** @param dy as q */
function attendBackward({ q, k, v }: WindowHeads, dy: Tensor, view: AttentionView): WindowHeads {
  const { attentionGradient, attentionWeightsGradient } = fused();
  const whole = attentionGradient({ q, own: { k, v }, view, dy });
  if (whole !== null) return { q: whole.q, ...whole.own };
  const { weights, dScores } = attentionWeightsGradient(
    { onOwn: matmul(q, k, { transposeB: true }) },
    { onOwn: matmul(dy, v, { transposeB: true }) },
    view,
  );
  return {
    q: matmul(dScores.onOwn, k),
    k: matmul(dScores.onOwn, q, { transposeA: true }),
    v: matmul(weights.onOwn, dy, { transposeA: true }),
  };
}

/**
 * The gradient of `windowAttention` and `splitWindows`.
 *
 * @param dy `[patches, E]` in the compute type
 * @returns the gradient of `qkv`, `[patches, 3 · E]` in the compute type
 */
export function windowAttentionBackward(
  args: WindowAttention & { split: WindowHeads[]; dy: Tensor; rotary: Rotary },
): Tensor {
  const { split, dy, rotary, windows, heads } = args;
  return scope(() => {
    const E = dy.shape[1]!;
    const D = E / heads;
    const segments = windows.map((run, i) => {
      const { start, windows: B, patches: tokens } = run;
      const d = fused().toHeads({
        ...{ x: dy, start, column: 0, B, tokens, KV: heads, R: 1, D, scale: 1 },
      });
      const { q, k, v } = scope(() => attendBackward(split[i]!, d, view(run, heads)));
      const part = (x: Tensor, at: number): HeadsPart => ({ x, offset: 0, column: at * E, KV: heads, R: 1 });
      return segment(run, [q, k, v].map(part));
    });
    const turn = { rotary, rotatedColumns: 2 * E, scaledColumns: E, scale: D ** -0.5 };
    return fused().fromHeads({ segments, width: 3 * E, D, ...turn });
  });
}

const segment = ({ windows, patches }: WindowRun, parts: HeadsPart[]): HeadsSegment => ({
  B: windows,
  tokens: patches,
  parts,
});
