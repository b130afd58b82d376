import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Parameters } from '../../src/policy/parameters.js';
import { useBackend } from '../../src/tensor/active.js';
import type { Backend } from '../../src/tensor/backend.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { scope } from '../../src/tensor/tensor.js';
import { AdamW, type OptimizerOptions } from '../../src/trainer/optimizer.js';
import { largestDifference, readJsonFixture, readTensorFixture } from '../policy/reference-models.js';
import { startBackends } from '../tensor/backends.js';
import { type Plain, plain, random, toDevice } from '../tensor/plain.js';

const backends = await startBackends();

const options: OptimizerOptions = {
  adam_beta1: 0.9,
  adam_beta2: 0.99,
  adam_epsilon: 1e-8,
  weight_decay: 0.1,
  decay_norms_and_biases: false,
  max_grad_norm: 0.5,
};

const start: Record<string, Plain> = { matrix: random([7, 5], 1), bias: random([5], 2) };

describe.each(backends.map((backend) => [backend.name, backend] as const))('%s', (_, backend: Backend) => {
  let live = 0;
  let previous: Backend | null = null;
  beforeEach(() => {
    previous = useBackend(backend);
    live = backend.liveTensors();
  });
  afterEach(() => {
    useBackend(previous!);
    expect(backend.liveTensors()).toBe(live);
  });

  const trainable = (weights: Record<string, Plain>): Parameters => {
    const parameters = new Parameters({ type: 'float32' });
    for (const [name, value] of Object.entries(weights)) scope(() => parameters.addTrainable(name, toDevice(value)));
    return parameters;
  };
  const valuesOf = (parameters: Parameters): Record<string, Float32Array> =>
    Object.fromEntries(
      parameters.trainableNames.map((name) => [name, scope(() => downloadFloats(parameters.master(name)))]),
    );
  /** Random gradients of step `step`, `factor` times. */
  const addGradients = (parameters: Parameters, step: number, factor = 1) => {
    for (const [i, name] of parameters.trainableNames.entries()) {
      const { shape, data } = random([...parameters.variable(name).shape], 100 * step + i);
      scope(() =>
        parameters.accumulate(
          name,
          toDevice(
            plain(
              shape,
              data.map((x) => x * factor),
            ),
          ),
        ),
      );
    }
  };

  it('makes the steps of torch.optim.AdamW after clip_grad_norm_', async () => {
    const torch = await readJsonFixture<{
      lr: number;
      betas: [number, number];
      eps: number;
      weight_decay: number;
      max_grad_norm: number;
      grad_norms: number[];
    }>('step/adamw.json');
    const tensors = await readTensorFixture('step/adamw.safetensors');
    const names = ['matrix', 'bias', 'long'];
    const get = (name: string) => plain(tensors.get(name)!.shape, tensors.get(name)!.data);
    const parameters = trainable(Object.fromEntries(names.map((name) => [name, get(`${name}.start`)])));
    const optimizer = new AdamW({
      parameters,
      options: {
        adam_beta1: torch.betas[0],
        adam_beta2: torch.betas[1],
        adam_epsilon: torch.eps,
        weight_decay: torch.weight_decay,
        decay_norms_and_biases: true,
        max_grad_norm: torch.max_grad_norm,
      },
    });
    for (const step of [1, 2, 3]) {
      for (const name of names) scope(() => parameters.accumulate(name, toDevice(get(`${name}.grad.${step}`))));
      const norm = optimizer.apply(torch.lr);
      expect(norm / torch.grad_norms[step - 1]!).toBeCloseTo(1, 6);
      expect(parameters.gradients.size).toBe(0);
      for (const [name, found] of Object.entries(valuesOf(parameters)))
        expect(largestDifference(found, get(`${name}.after.${step}`).data), `${name}, step ${step}`).toBeLessThan(1e-6);
    }
    optimizer.dispose();
    parameters.dispose();
  });

  it('decays matrices and leaves vectors alone', () => {
    const parameters = trainable(start);
    const optimizer = new AdamW({ parameters, options });
    addGradients(parameters, 1, 0);
    optimizer.apply(0.5);
    const { matrix, bias } = valuesOf(parameters);
    expect(
      largestDifference(
        matrix!,
        start.matrix!.data.map((x) => x * (1 - 0.5 * 0.1)),
      ),
    ).toBeLessThan(1e-6);
    expect(largestDifference(bias!, start.bias!.data)).toBe(0);
    optimizer.dispose();
    parameters.dispose();
  });

  it('clips by the norm of all gradients together', () => {
    // With ε as large as this, an update is in proportion to the clipped gradient.
    const moved = (factor: number) => {
      const parameters = trainable(start);
      const optimizer = new AdamW({ parameters, options: { ...options, adam_epsilon: 1e4, weight_decay: 0 } });
      addGradients(parameters, 1, factor);
      const norm = optimizer.apply(1000);
      const after = valuesOf(parameters);
      optimizer.dispose();
      parameters.dispose();
      const change = Object.entries(after).flatMap(([name, values]) =>
        [...values].map((x, i) => x - start[name]!.data[i]!),
      );
      return { norm, length: Math.hypot(...change) };
    };
    const [small, atBound, large] = [moved(0.01), moved(1), moved(100)];
    expect(small.norm).toBeLessThan(0.5);
    expect(atBound.norm).toBeGreaterThan(0.5);
    expect(large.norm / atBound.norm).toBeCloseTo(100, 3);
    expect(large.length / atBound.length).toBeCloseTo(1, 3);
    expect(atBound.length / small.length / (0.5 / small.norm)).toBeCloseTo(1, 2);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'a gradient with %s in it changes nothing and is forgotten',
    (bad) => {
      const parameters = trainable(start);
      const optimizer = new AdamW({ parameters, options });
      addGradients(parameters, 1);
      optimizer.apply(0.01);
      const [weights, moments] = [valuesOf(parameters), optimizer.tensors().map(({ read }) => read())];
      addGradients(parameters, 2);
      scope(() => parameters.accumulate('bias', toDevice(plain([5], [0, 0, bad, 0, 0]))));
      expect(optimizer.apply(0.01)).not.toSatisfy(Number.isFinite);
      expect(valuesOf(parameters)).toEqual(weights);
      expect(optimizer.tensors().map(({ read }) => read())).toEqual(moments);
      expect([optimizer.step, parameters.gradients.size]).toEqual([1, 0]);
      optimizer.dispose();
      parameters.dispose();
    },
  );

  it('goes on bit by bit from what it stored', async () => {
    const parameters = trainable(start);
    const optimizer = new AdamW({ parameters, options });
    const advance = (of: { parameters: Parameters; optimizer: AdamW }, step: number) => {
      addGradients(of.parameters, step);
      of.optimizer.apply(0.01 / step);
    };
    for (const step of [1, 2]) advance({ parameters, optimizer }, step);
    const stored = new Map(optimizer.tensors().map(({ name, read }) => [name, read().slice()]));
    expect([...stored.keys()]).toEqual(['matrix.m', 'matrix.v', 'bias.m', 'bias.v']);
    const weights = valuesOf(parameters);

    const others = trainable(
      Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, plain(start[name]!.shape, values)])),
    );
    const resumed = new AdamW({ parameters: others, options });
    await resumed.restore(optimizer.step, async (name) => stored.get(name)!);
    for (const step of [3, 4]) {
      advance({ parameters, optimizer }, step);
      advance({ parameters: others, optimizer: resumed }, step);
    }
    expect(valuesOf(others)).toEqual(valuesOf(parameters));
    expect(valuesOf(others)).not.toEqual(weights);
    for (const part of [optimizer, resumed]) part.dispose();
    for (const part of [parameters, others]) part.dispose();
  });

  it('leaks nothing over many steps', () => {
    const parameters = trainable(start);
    const optimizer = new AdamW({ parameters, options });
    const counts = [1, 2, 3, 4, 5].map((step) => {
      addGradients(parameters, step);
      optimizer.apply(0.01);
      return backend.liveTensors();
    });
    expect(new Set(counts).size).toBe(1);
    optimizer.dispose();
    parameters.dispose();
  });
});
