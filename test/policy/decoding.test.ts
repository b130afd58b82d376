import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planAdapter } from '../../src/policy/adapter/plan.js';
import { toBatch } from '../../src/policy/batch.js';
import type { Decoding, DecodingStart } from '../../src/policy/decoding/decoding.js';
import { PlainDecoding } from '../../src/policy/decoding/plain.js';
import { StackedDecoding } from '../../src/policy/decoding/stacked.js';
import { loadModel } from '../../src/policy/load.js';
import { addAdapters } from '../../src/policy/lora.js';
import { Policy } from '../../src/policy/policy.js';
import { textKey, uniform } from '../../src/system/random.js';
import { useBackend } from '../../src/tensor/active.js';
import { TensorFlowBackend } from '../../src/tensor/backends/tensorflow/backend.js';
import { fewLaunches } from '../../src/tensor/backends/tensorflow/few-launches.js';
import type { FunctionPlace } from '../../src/tensor/backends/tensorflow/functions.js';
import { layerFunctions } from '../../src/tensor/backends/tensorflow/layer-functions.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import type { StackedKernels, StackedLayerArgs } from '../../src/tensor/stacked-layer.js';
import { contextHere } from '../tensor/context.js';
import {
  fixture,
  type ModelCase,
  REFERENCE_MODELS,
  readJsonFixture,
  relativeError,
  toPrompt,
} from './reference-models.js';

const backend = await startRuntime({ report: () => {} });
const tensorflow = backend instanceof TensorFlowBackend ? backend : null;

const context = tensorflow === null ? null : await contextHere();

const LORA = {
  ...{ r: 3, lora_alpha: 12, target_modules: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] },
  rank_pattern: { v_proj: 2 },
};

/** Weights that are frozen lie in stacks; trained ones are copied, with the norm before them; adapters are put together. */
const STATES = {
  frozen: { trains: () => false, adapts: false },
  trained: { trains: (name: string) => name.startsWith('model.'), adapts: false },
  adapted: { trains: () => false, adapts: true },
  'adapted, with some weights trained beside': {
    trains: (name: string) => name.includes('k_proj') || name.includes('layernorm'),
    adapts: true,
  },
};

type State = (typeof STATES)['frozen' | 'trained'];

async function load(name: string, type: 'float32' | 'bfloat16', { trains, adapts }: State) {
  const { cases } = await readJsonFixture<{ cases: ModelCase[] }>(`${name}/case.json`);
  const model = await loadModel({ folder: fixture(name), type, trains });
  if (adapts) {
    const plan = planAdapter({ model: model.config, lora: LORA, freezesVision: true });
    const values = (weight: string, shape: readonly number[]) =>
      Float32Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        (_, i) => (uniform(textKey(weight), i) - 0.5) / 4,
      );
    addAdapters({ parameters: model.parameters, plan, values });
  }
  return { prompts: cases.map(toPrompt), policy: new Policy({ ...model, features: null }) };
}

/** Logits of six tokens of G completions of each prompt, of which some leave after three. */
function decode(
  open: (start: DecodingStart) => Decoding,
  { prompts, policy }: Awaited<ReturnType<typeof load>>,
  G = 3,
) {
  const batch = toBatch({ prompts });
  const { cache, logits } = policy.encodePrompts({ batch, keepsPass: false });
  logits.dispose();
  const { promptLengths } = batch.layout;
  const decoding = open({
    ...{ parameters: policy.parameters, config: policy.config },
    prompts: cache,
    promptLengths,
    G,
  });
  const found: number[][] = [];
  let rows = prompts.flatMap((_, b) => Array.from({ length: G }, (_, g) => ({ b, g })));
  for (let t = 0; t < 6; t++) {
    if (t === 3) {
      const kept = [...prompts.keys()].filter((b) => b !== 0 || prompts.length === 1);
      decoding.keepRows({ prompts: kept, kept: kept.map(() => [2, 0]) });
      rows = kept.flatMap((b) => [2, 0].map((g) => ({ b, g })));
    }
    const tokens = Int32Array.from(rows, ({ b, g }) => 5 + ((7 * b + 11 * g + 3 * t) % 30));
    const positions = rows.map(({ b }) => prompts[b]!.nextPosition + t);
    const next = decoding.next({ tokens, positions });
    found.push([...downloadFloats(next)]);
    next.dispose();
  }
  decoding.dispose();
  return found;
}

/** Runs `body`, and tells of each operation that TensorFlow is called for. */
function watched<T>(backend: TensorFlowBackend, tell: (op: string) => void, body: () => T): T {
  const executor = backend.executor as { binding: typeof backend.executor.binding };
  const { binding } = executor;
  const executeOp: typeof binding.executeOp = (op, ...rest) => {
    tell(op);
    return binding.executeOp(op, ...rest);
  };
  executor.binding = Object.create(binding, { executeOp: { value: executeOp } });
  try {
    return body();
  } finally {
    executor.binding = binding;
  }
}

/** Over the tokens. */
const meanError = (found: number[][], wanted: number[][]): number =>
  found.reduce((sum, logits, t) => sum + relativeError(logits, wanted[t]!), 0) / found.length;

const plainly = (start: DecodingStart): Decoding => new PlainDecoding(start);
const stacked = (start: DecodingStart): Decoding =>
  new StackedDecoding({ ...start, kernels: fewLaunches({ backend: tensorflow!, executor: tensorflow!.executor }) });

describe.runIf(tensorflow !== null).each(REFERENCE_MODELS)('%s', (name) => {
  it.each(Object.entries(STATES))(
    '%s: few launches give what many give, and leave nothing behind',
    async (_, state) => {
      const run = async (type: 'float32' | 'bfloat16') => {
        const model = await load(name, type, state);
        try {
          const many = decode(plainly, model);
          const before = backend.liveTensors();
          const few = decode(stacked, model);
          // Frozen weights stay in stacks.
          const after = backend.liveTensors();
          expect(decode(stacked, model)).toEqual(few);
          expect(backend.liveTensors()).toBe(after);
          return { many, few, stacks: after - before, layers: model.policy.config.text.numLayers };
        } finally {
          model.policy.parameters.dispose();
        }
      };
      const exact = await run('float32');
      const rough = await run('bfloat16');
      expect(backend.liveTensors()).toBe(0);
      for (const { stacks, layers } of [exact, rough]) expect([0, layers, 2 * layers]).toContain(stacks);
      for (const [t, logits] of exact.many.entries()) expect(relativeError(exact.few[t]!, logits)).toBeLessThan(2e-5);
      // Neither is nearer to what single precision gives.
      expect(meanError(rough.few, exact.many)).toBeLessThan(1.5 * meanError(rough.many, exact.many));
    },
  );
});

describe.runIf(context !== null).each(REFERENCE_MODELS)('%s, without kernels of ours', (name) => {
  const portable = new TensorFlowBackend(tensorflow!.executor.binding, { instructionSet: null });
  const kernels = fewLaunches({ backend: portable, executor: portable.executor });
  const open =
    (kernels: StackedKernels) =>
    (start: DecodingStart): Decoding =>
      new StackedDecoding({ ...start, kernels });
  let live = 0;
  beforeEach(() => {
    useBackend(portable);
    live = portable.liveTensors();
  });
  afterEach(() => {
    expect(portable.liveTensors()).toBe(live);
    useBackend(backend);
  });

  /** Decoding with layers as functions, and the names of all that TensorFlow was called for. */
  function asFunctions(place: FunctionPlace) {
    const own = layerFunctions({ kernels, executor: portable.executor, place });
    const called: string[] = [];
    const decoded = (model: Awaited<ReturnType<typeof load>>): number[][] =>
      watched(
        portable,
        (op) => called.push(op),
        () => decode(open(own), model),
      );
    const functions = () => called.filter((op) => op.startsWith('VauFunction'));
    return { functions, decoded };
  }

  it.each(Object.entries(STATES))('%s: a layer is one call, and gives what its operations give', async (_, state) => {
    const run = async (type: 'float32' | 'bfloat16') => {
      const model = await load(name, type, state);
      const few = decode(open(kernels), model);
      const { functions, decoded } = asFunctions({
        add: context!.addFunction,
        refused: (error) => {
          throw error;
        },
      });
      const found = decoded(model);
      expect(functions().length).toBe(6 * model.policy.config.text.numLayers);
      // Of the first token, of others, and of others with fewer rows.
      expect(new Set(functions()).size).toBe(3);
      expect(decoded(model)).toEqual(found);
      model.policy.parameters.dispose();
      return { few, found };
    };
    const [exact, rough] = [await run('float32'), await run('bfloat16')];
    expect(meanError(exact.found, exact.few)).toBeLessThan(1e-6);
    // Neither is nearer to what single precision gives.
    expect(meanError(rough.found, exact.few)).toBeLessThan(1.1 * meanError(rough.few, exact.few));
  });

  it('runs the operations themselves where TensorFlow takes no function', async () => {
    const model = await load(name, 'float32', STATES.adapted);
    const said: string[] = [];
    const { functions, decoded } = asFunctions({
      add: () => {
        throw new Error('no function');
      },
      refused: ({ message }) => said.push(message),
    });
    expect(decoded(model)).toEqual(decode(open(kernels), model));
    expect(functions()).toEqual([]);
    // Once for each.
    expect(said).toEqual(Array(3).fill('no function'));
    model.policy.parameters.dispose();
  });
});

it.runIf(tensorflow !== null)(
  'many rows, of which the device makes the table of rotations, give the same',
  async () => {
    const before = backend.liveTensors();
    const model = await load('models/grouped-tied', 'float32', STATES.frozen);
    const [many, few] = [plainly, stacked].map((open) => decode(open, model, 400));
    for (const [t, logits] of many!.entries()) expect(relativeError(few![t]!, logits)).toBeLessThan(2e-5);
    model.policy.parameters.dispose();
    expect(backend.liveTensors()).toBe(before);
  },
);

describe.runIf(tensorflow !== null)('operations of a layer, beside views', () => {
  const VIEWS = new Set(['Reshape', 'Bitcast', 'Slice']);

  /** What a layer takes on a token that is not the first. */
  async function operations(name: string, type: 'float32' | 'bfloat16', state: State): Promise<number> {
    const model = await load(name, type, state);
    let count = 0;
    const add = (op: string) => {
      if (!VIEWS.has(op)) count += 1;
    };
    const kernels = fewLaunches({ backend: tensorflow!, executor: tensorflow!.executor });
    const layer = (args: StackedLayerArgs) => watched(tensorflow!, add, () => kernels.layer(args));
    const counting = { ...kernels, layer };
    decode((start) => new StackedDecoding({ ...start, kernels: counting }), { ...model, prompts: [model.prompts[0]!] });
    model.policy.parameters.dispose();
    // Six tokens, of which the first has no keys and values to go beside.
    const { numLayers } = model.policy.config.text;
    return (count + numLayers) / (6 * numLayers);
  }

  it.each([
    ['models/grouped-tied', 'trained', 'float32', 28],
    // With the weights of two norms, 3 for the adapters of a stack, 2 where they are added with what else is.
    ['models/grouped-tied', 'adapted', 'float32', 28 + 2 + 2 * 3 + 2 * 2],
    // A cast before and after what is done in single precision.
    ['models/grouped-tied', 'trained', 'bfloat16', 28 + 8],
    // No bias, a norm of heads, keys put to values.
    ['families/qwen3_vl/one-deep-tied', 'trained', 'float32', 28 - 1 + 4 + 1],
  ] as const)('%s, %s, %s: %i', async (name, state, type, expected) => {
    expect(await operations(name, type, STATES[state])).toBe(expected);
  });
});
