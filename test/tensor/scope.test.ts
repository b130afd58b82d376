import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { activeBackend } from '../../src/tensor/active.js';
import { upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { bytesOf, dispose, keep, scope, type Tensor } from '../../src/tensor/tensor.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

let before = 0;
beforeEach(() => {
  before = activeBackend().liveTensors();
});
afterEach(() => expect(live()).toBe(0));

const live = () => activeBackend().liveTensors() - before;
const make = (size = 3): Tensor => upload(new Float32Array(size), [size]);
const waste = (): void => void make();

it('frees what was made, except the result', () => {
  const x = scope(() => {
    make();
    make();
    return make();
  });
  expect(live()).toBe(1);
  x.dispose();
  x.dispose();
});

it('finds the result inside arrays, maps and plain objects', () => {
  const result = scope(() => {
    make();
    return {
      one: make(),
      list: [make(), [make()]],
      map: new Map([['a', make()]]),
      none: null,
      text: 'x',
      array: new Float32Array(2),
    };
  });
  expect(live()).toBe(4);
  dispose(result);
});

it('hands survivors to the scope around, which frees them in its turn', () => {
  scope(() => {
    const inner = scope(() => [make(), make()]);
    expect(live()).toBe(2);
    const innermost = scope(() => scope(() => make()));
    expect(live()).toBe(3);
    expect(inner).toHaveLength(2);
    return innermost.shape;
  });
});

it('leaves tensors of the scope around alone', () => {
  scope(() => {
    const outer = make();
    scope(waste);
    expect(live()).toBe(1);
    scope(() => outer);
    expect(live()).toBe(1);
  });
});

it('frees everything when the body throws, and goes on with the scope around', () => {
  scope(() => {
    expect(() =>
      scope(() => {
        make();
        scope(() => make());
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(live()).toBe(0);
    make();
  });
});

it('never frees what is kept, not even when the body throws', () => {
  const kept: Tensor[] = [];
  scope(() => {
    kept.push(keep(make()));
    scope(() => kept.push(keep(make())));
    kept.push(keep(scope(() => make())));
  });
  expect(() =>
    scope(() => {
      kept.push(keep(make()));
      throw new Error('stop');
    }),
  ).toThrow('stop');
  expect(live()).toBe(4);
  dispose(kept);
});

it('counts a tensor that stands twice in the result once', () => {
  const [a, b] = scope(() => {
    const x = make(5);
    return [x, x] as const;
  });
  expect([live(), bytesOf([a, b])]).toEqual([1, 20]);
  dispose(a, b);
});

it('tensors that no scope made live until somebody disposes of them', () => {
  const x = make();
  scope(waste);
  expect(live()).toBe(1);
  x.dispose();
});

it('does not take a body that waits, and keeps nothing of what that has made', () => {
  const waiting = async () => {
    make();
    return make();
  };
  expect(() => scope(waiting)).toThrow('asynchronous');
  expect(() =>
    scope(async () => {
      make();
      throw new Error('later');
    }),
  ).toThrow('asynchronous');
});
