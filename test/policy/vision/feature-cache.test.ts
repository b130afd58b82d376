import { afterEach, beforeAll, expect, it } from 'vitest';
import { FeatureCache } from '../../../src/policy/vision/feature-cache.js';
import { activeBackend } from '../../../src/tensor/active.js';
import { upload } from '../../../src/tensor/ops.js';
import { startRuntime } from '../../../src/tensor/runtime.js';
import { scope } from '../../../src/tensor/tensor.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

afterEach(() => expect(activeBackend().liveTensors()).toBe(0));

/** Tokens of 40 bytes, half of them for a later layer, and how often each was made. */
function counted() {
  const made: (string | undefined)[] = [];
  const make = (key: string | undefined) => () => {
    made.push(key);
    const half = () => upload(new Float32Array(5), [5]);
    return { tokens: half(), deep: [half()] };
  };
  return { made, make };
}

it('makes each video once, and frees the least recently used ones past its capacity', () => {
  const cache = new FeatureCache({ capacity: 80 });
  const { made, make } = counted();
  const get = (key: string) => scope(() => void cache.get(key, make(key)));
  for (const key of ['a', 'b', 'a', 'c']) get(key);
  expect(made).toEqual(['a', 'b', 'c']);
  expect(activeBackend().liveTensors()).toBe(6);
  cache.trim();
  expect(activeBackend().liveTensors()).toBe(4);
  get('a');
  get('c');
  expect(made).toEqual(['a', 'b', 'c']);
  get('b');
  expect(made).toEqual(['a', 'b', 'c', 'b']);
  cache.dispose();
});

it('keeps nothing that has no key', () => {
  const cache = new FeatureCache({ capacity: 1000 });
  const { made, make } = counted();
  for (let i = 0; i < 2; i++) scope(() => void cache.get(undefined, make(undefined)));
  expect(made).toHaveLength(2);
  expect(activeBackend().liveTensors()).toBe(0);
});

it('trims a tensor that is larger than the whole cache', () => {
  const cache = new FeatureCache({ capacity: 39 });
  scope(() => void cache.get('a', counted().make('a')));
  cache.trim();
  expect(activeBackend().liveTensors()).toBe(0);
  cache.dispose();
});

it('holds its tensors when the step that asked for them fails', () => {
  const cache = new FeatureCache({ capacity: 1000 });
  const { made, make } = counted();
  expect(() =>
    scope(() => {
      cache.get('a', make('a'));
      throw new Error('out of memory');
    }),
  ).toThrow('out of memory');
  const again = cache.get('a', make('a'));
  expect([made.length, activeBackend().liveTensors(), again.tokens.shape]).toEqual([1, 2, [5]]);
  cache.dispose();
});
