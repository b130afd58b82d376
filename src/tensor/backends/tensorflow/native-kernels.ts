import type { Backend } from '../../backend.js';
import type { AttentionArgs, DecodeContext, Kernels, KeyValue } from '../../kernels.js';
import { type DType, dispose, type Tensor, track } from '../../tensor.js';
import type { Executor, NativeInput } from './executor.js';

/** Rows of x up to which reading W is what a product x · Wᵀ costs. */
export const FEW_ROWS = 16;

/** Tokens that a cache of completions has room for at first; it doubles. */
const FIRST_CAPACITY = 64;

/**
 * Every kernel as one operation of TensorFlow's, made of the C++ in `native/kernels`. CPU only.
 *
 * @param multiplies the types in which large products are ours
 */
export function nativeKernels({
  backend,
  executor,
  multiplies,
}: {
  backend: Backend;
  executor: Executor;
  multiplies: ReadonlySet<DType>;
}): Kernels {
  const run = (op: string, inputs: readonly NativeInput[], outputs: readonly DType[]): Tensor[] =>
    executor.runNative({ op, inputs, outputs }).map(track);
  const none: NativeInput = { empty: 'float32' };
  const noneLike = (x: { dtype: DType }): NativeInput => ({ empty: x.dtype });
  const ints = (...values: (number | boolean)[]): NativeInput => ({ ints: values.map(Number) });

  /** Drops an output that was left empty. */
  const unless = (isEmpty: boolean, x: Tensor): Tensor | undefined => {
    if (!isEmpty) return x;
    x.dispose();
    return undefined;
  };

  return {
    norm({ x, delta, bias, weight, shift, epsilon, type }) {
      const added: NativeInput = delta ?? { empty: type };
      const inputs = [x, added, bias ?? none, weight, shift ?? none, { scalar: epsilon }, ints(shift !== undefined)];
      const [sum, y, stats] = run('VauNorm', inputs, ['float32', type, 'float32']);
      return { sum: unless(delta === undefined, sum!) ?? x, y: y!, stats: stats! };
    },

    normGradient({ dys, sum, stats, weight, centered, residual, wantsWeight }) {
      const type = dys[0]!.dtype;
      const inputs = [sum, stats, weight, residual ?? none, ints(centered, wantsWeight), { list: dys }];
      const [dx, dxCast, dWeight, dShift] = run('VauNormGradient', inputs, ['float32', type, 'float32', 'float32']);
      return {
        dx: dx!,
        dxCast: unless(type === 'float32', dxCast!) ?? dx!,
        dWeight: unless(!wantsWeight, dWeight!),
        dShift: unless(!(wantsWeight && centered), dShift!),
      };
    },

    swiglu: ({ gate, up, gateBias, upBias }) =>
      run('VauSwiglu', [gate, up, gateBias ?? none, upBias ?? none], [gate.dtype])[0]!,

    swigluGradient({ gate, up, gateBias, upBias, d }) {
      const type = gate.dtype;
      const inputs = [gate, up, gateBias ?? none, upBias ?? none, d];
      const [dGate, dUp, y] = run('VauSwigluGradient', inputs, [type, type, type]);
      return { dGate: dGate!, dUp: dUp!, y: y! };
    },

    gelu: ({ x, bias, form }) => run('VauGelu', [x, bias, ints(form === 'tanh')], [x.dtype])[0]!,

    geluGradient({ x, bias, form, d }) {
      const [dx, y] = run('VauGeluGradient', [x, bias, ints(form === 'tanh'), d], [x.dtype, x.dtype]);
      return { dx: dx!, y: y! };
    },

    add: ({ x, delta, bias }) => run('VauAdd', [x ?? none, delta, bias ?? none], ['float32'])[0]!,

    columnSum: (x) => run('VauColumnSum', [x], ['float32'])[0]!,

    squaredNorm: (x) => run('VauSquaredNorm', [x], ['float32'])[0]!,

    toHeads({ x, start, column, B, tokens, KV, R, D, bias, rotary, scale }) {
      const place = ints(start, column, B, tokens, KV, R, D);
      const inputs = [x, bias ?? none, rotary?.cos ?? none, rotary?.sin ?? none, { scalar: scale }, place];
      return run('VauToHeads', inputs, [x.dtype])[0]!;
    },

    fromHeads({ segments, width, D, rotary, rotatedColumns, scaledColumns, scale }) {
      const places: number[] = [];
      let rows = 0;
      for (const { B, tokens, parts } of segments) {
        rows += B * tokens;
        places.push(rows, tokens, parts.length);
        for (const { offset, column, KV, R } of parts) places.push(offset, column, KV, R);
      }
      const list = segments.flatMap(({ parts }) => parts.map(({ x }) => x));
      const options = ints(rows, width, D, rotatedColumns, scaledColumns, segments.length, ...places);
      const inputs = [rotary?.cos ?? none, rotary?.sin ?? none, { scalar: scale }, options, { list }];
      return run('VauFromHeads', inputs, [list[0]!.dtype])[0]!;
    },

    attentionWeights({ onPrompt, onOwn }, { n, KV, R, C, starts, causal, promptLengths }) {
      const view = [{ ints: promptLengths }, { ints: starts }, ints(n, KV, R, C, causal)];
      const type = onOwn.dtype;
      const [prompt, own] = run('VauAttentionWeights', [onPrompt ?? noneLike(onOwn), onOwn, ...view], [type, type]);
      return { onPrompt: unless(onPrompt === undefined, prompt!), onOwn: own! };
    },

    attentionWeightsGradient({ onPrompt, onOwn }, d, { n, KV, R, C, starts, causal, promptLengths }) {
      const type = onOwn.dtype;
      const isAlone = onPrompt === undefined;
      const inputs = [
        onPrompt ?? noneLike(onOwn),
        onOwn,
        { ints: promptLengths },
        { ints: starts },
        ints(n, KV, R, C, causal),
        d.onPrompt ?? noneLike(onOwn),
        d.onOwn,
      ];
      const [prompt, own, dPrompt, dOwn] = run('VauAttentionWeightsGradient', inputs, [type, type, type, type]);
      return {
        weights: { onPrompt: unless(isAlone, prompt!), onOwn: own! },
        dScores: { onPrompt: unless(isAlone, dPrompt!), onOwn: dOwn! },
      };
    },

    attention: (args) =>
      multiplies.has(args.q.dtype) ? run('VauAttention', attentionInputs(args), [args.q.dtype])[0]! : null,

    attentionGradient({ dy, ...args }) {
      const type = dy.dtype;
      if (!multiplies.has(type)) return null;
      const outputs = [type, type, type, type, type];
      const [q, promptK, promptV, k, v] = run('VauAttentionGradient', [...attentionInputs(args), dy], outputs);
      const isAlone = args.prompt === undefined;
      const prompt = { k: unless(isAlone, promptK!)!, v: unless(isAlone, promptV!)! };
      return { q: q!, prompt: isAlone ? undefined : prompt, own: { k: k!, v: v! } };
    },

    decodeAttention({ q, k, v, biases, ...context }) {
      const { own, rotary, scale, prompt, lengths, place } = decodePlace(context, v.dtype);
      const inputs = [
        ...[q, k, v, biases.q ?? none, biases.k ?? none, biases.v ?? none, rotary.cos, rotary.sin, scale],
        ...[prompt.kt, prompt.v, own.k, own.v, lengths, place],
      ];
      return { y: run('VauDecodeAttention', inputs, [q.dtype])[0]!, own };
    },

    decodeLayer({ x, weights: w, biases, headNorms, epsilon, ...context }) {
      const { own, rotary, scale, prompt, lengths, place } = decodePlace(context, w.q.dtype);
      const inputs = [
        ...[x, w.inputNorm, w.q, w.k, w.v, biases.q ?? none, biases.k ?? none, biases.v ?? none],
        ...[headNorms?.q ?? none, headNorms?.k ?? none, w.o],
        ...[w.mlpNorm, w.gate, w.up, w.down, rotary.cos, rotary.sin, { scalar: epsilon }, scale],
        ...[prompt.kt, prompt.v, own.k, own.v, lengths, place],
      ];
      return { y: run('VauDecodeLayer', inputs, ['float32'])[0]!, own };
    },

    stacked: null,

    fewRows: FEW_ROWS,

    draw({ logits, uniforms, scale, forbidden }) {
      const u = track(backend.upload(uniforms, [uniforms.length]));
      const inputs = [logits, u, { scalar: scale }, { ints: forbidden }];
      const [tokens, logprobs] = run('VauDraw', inputs, ['int32', 'float32']);
      u.dispose();
      return { tokens: tokens!, logprobs: logprobs! };
    },
  };

  function attentionInputs({ q, prompt, own, view }: AttentionArgs): NativeInput[] {
    const { KV, R, C, causal, starts, promptLengths } = view;
    const keys = [prompt?.k ?? noneLike(q), prompt?.v ?? noneLike(q), own.k, own.v];
    return [q, ...keys, { ints: promptLengths }, { ints: starts }, ints(KV, R, C, causal)];
  }

  function decodePlace({ own: before, promptLengths, KV, R, G, t, scale, ...rest }: DecodeContext, type: DType) {
    const D = rest.prompt.v.shape[2]!;
    const own = room({ before, groups: promptLengths.length * KV * G, D, t, type });
    return { ...rest, own, scale: { scalar: scale }, lengths: { ints: promptLengths }, place: ints(KV, R, G, t) };
  }

  /** A cache with room for token t: the same one, or a larger one with its contents. It is written in place. */
  function room(args: { before?: KeyValue; groups: number; D: number; t: number; type: DType }): KeyValue {
    const { before, groups, D, t, type } = args;
    if (before === undefined) {
      const fresh = () => track(executor.zeros([groups, FIRST_CAPACITY, D], type));
      return { k: fresh(), v: fresh() };
    }
    const capacity = before.k.shape[1]!;
    if (t < capacity) return before;
    const grown = (x: Tensor): Tensor => {
      const more = executor.zeros([groups, capacity, D], type);
      const both = track(backend.concat([x, more], 1));
      more.dispose();
      return both;
    };
    const larger = { k: grown(before.k), v: grown(before.v) };
    dispose(before);
    return larger;
  }
}
