import { describe, expect, it } from 'vitest';
import { Parameters } from '../../src/policy/parameters.js';
import { upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { type Common, checkWeights, commonOf, gatherAlike } from '../../src/trainer/agreement.js';
import { inMemoryGroup } from '../parallel/in-memory.js';

const inputs = { data: { samples: 3, digest: 'd' }, model: { 'config.json': 'c' } };

/** What each of two processes gets, where the second one's common things are these. */
async function meeting(change: Partial<Common>) {
  const groups = inMemoryGroup(2);
  return Promise.allSettled(
    groups.map((group, rank) => {
      const common = { ...commonOf({ group, options: { seed: 1 }, inputs }), weights: 5, step: 2 };
      return gatherAlike({ group, common: rank === 0 ? common : { ...common, ...change }, said: { rank } });
    }),
  );
}

describe('processes that make a run', () => {
  it('hear what each has to say', async () => {
    const value = [{ rank: 0 }, { rank: 1 }];
    expect(await meeting({})).toEqual([
      { status: 'fulfilled', value },
      { status: 'fulfilled', value },
    ]);
  });

  it.each<[Partial<Common>, RegExp]>([
    [{ step: 3 }, /process 1 .* stands after another step \(3, not 2\)/],
    [{ options: 'x' }, /other options/],
    [{ data: 'x' }, /other training data/],
    [{ model: 'x' }, /another model/],
    [{ tensorflow: '2.15.1' }, /another TensorFlow \(2\.15\.1, not in memory\)/],
    [{ program: '0.0.1' }, /another version of vau-rft \(0\.0\.1, not \d/],
    [{ weights: 4 }, /another number of weights \(4, not 5\)/],
  ])('all stop where one has something else: %j', async (change, message) => {
    for (const end of await meeting(change)) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'RUN_NOT_ALIKE' } });
      expect(String((end as PromiseRejectedResult).reason)).toMatch(message);
    }
  });
});

describe('weights of several processes', () => {
  it('are compared to the last bit', async () => {
    await startRuntime({ report: () => {} });
    const check = async (own: number[][]) => {
      const groups = inMemoryGroup(own.length);
      const all = own.map((values) => {
        const parameters = new Parameters({ type: 'float32' });
        scope(() => parameters.addTrainable('w', upload(Float32Array.from(values), [values.length])));
        return parameters;
      });
      const ends = await Promise.allSettled(
        groups.map((group, rank) => checkWeights({ group, parameters: all[rank]! })),
      );
      for (const parameters of all) parameters.dispose();
      return ends.map((end) => (end.status === 'rejected' ? end.reason.message : null));
    };
    expect(
      await check([
        [1, 0.1],
        [1, 0.1],
      ]),
    ).toEqual([null, null]);
    const one = expect.stringMatching(/process 2 .* other weights after the same steps; no checkpoint/);
    expect(
      await check([
        [1, 0.1],
        [1, 0.1],
        [1, 0.1 + 2 ** -27],
      ]),
    ).toEqual([one, one, one]);
  });
});
