import { describe, expect, it } from 'vitest';
import { toBatch } from '../../src/policy/batch.js';
import { loadModel } from '../../src/policy/load.js';
import { Policy } from '../../src/policy/policy.js';
import { activeBackend } from '../../src/tensor/active.js';
import { cast, downloadFloats, matmul } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { random, toDevice } from '../tensor/plain.js';
import {
  fixture,
  type ModelCase,
  REFERENCE_MODELS,
  readJsonFixture,
  relativeError,
  toPrompt,
} from './reference-models.js';

const { supportsBfloat16 } = await startRuntime({ report: () => {} });

it.runIf(supportsBfloat16)('matrices are multiplied in bfloat16, and stay so', () => {
  const [a, b] = [random([5, 7], 1), random([7, 3], 2)];
  const lowBits = (type: 'bfloat16' | 'float32') =>
    scope(() => {
      const y = matmul(cast(toDevice(a), type), cast(toDevice(b), type));
      expect(y.dtype).toBe(type);
      return Array.from(new Uint32Array(downloadFloats(y).slice().buffer), (bits) => bits & 0xffff);
    });
  expect(lowBits('bfloat16').every((bits) => bits === 0)).toBe(true);
  expect(lowBits('float32').every((bits) => bits === 0)).toBe(false);
});

const batchOf = (recorded: ModelCase) =>
  toBatch({ prompts: [toPrompt(recorded)], completions: [[Int32Array.from(recorded.completion_ids)]] });

describe.runIf(supportsBfloat16).each(REFERENCE_MODELS)('%s in bfloat16', (name) => {
  const load = async (type: 'bfloat16' | 'float32', trains: boolean) =>
    new Policy({
      ...(await loadModel({ folder: fixture(name), type, trains: () => trains })),
      features: null,
    });
  const casesOf = async () => (await readJsonFixture<{ cases: ModelCase[] }>(`${name}/case.json`)).cases;

  // The weights are scaled up so that mistakes show, and rounding with them: the largest mean of the four is 0.013.
  it.each([
    ['frozen', false],
    ['trained', true],
  ])('%s: log-probs are on average within 0.03 of float32', async (_, trains) => {
    const policy = await load('bfloat16', trains);
    const differences = (await casesOf()).flatMap((recorded) => {
      const { logprobs } = policy.score({ batch: batchOf(recorded), temperature: 1 });
      return Array.from(logprobs, (logprob, i) => Math.abs(logprob - recorded.logprobs['1']![i]!));
    });
    const mean = differences.reduce((sum, x) => sum + x, 0) / differences.length;
    expect(mean).toBeLessThan(0.03);
    expect(mean).toBeGreaterThan(1e-4);
    policy.parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('gradients point where those of float32 do; a sum of several is float32', async () => {
    const recorded = (await casesOf()).find(({ visuals }) => visuals.length > 0)!;
    const gradients = async (type: 'bfloat16' | 'float32') => {
      const policy = await load(type, true);
      policy.scoreBackward({
        batch: batchOf(recorded),
        temperature: 1,
        gradient: (_, { logprobs }) => logprobs.map(() => -1),
      });
      const names = policy.parameters.trainableNames;
      const found = names.flatMap((weight) => {
        const gradient = policy.parameters.gradients.get(weight)!;
        // The embedding, which is the head too, has two gradients.
        if (weight === 'model.embed_tokens.weight') expect(gradient.dtype).toBe('float32');
        return [...downloadFloats(gradient)];
      });
      policy.parameters.dispose();
      return found;
    };
    expect(relativeError(await gradients('bfloat16'), await gradients('float32'))).toBeLessThan(0.08);
    expect(activeBackend().liveTensors()).toBe(0);
  });
});
