import { expect, it } from 'vitest';
import { DeadlinePassed, withDeadline } from '../../src/system/deadline.js';

const milliseconds = 100;

it('gives back what work gives or throws', () => {
  const thrown = new TypeError('mine');
  expect(withDeadline({ milliseconds, work: () => [1] })).toEqual([1]);
  expect(() =>
    withDeadline({
      milliseconds,
      work: () => {
        throw thrown;
      },
    }),
  ).toThrow(thrown);
  expect(withDeadline({ milliseconds, work: () => withDeadline({ milliseconds, work: () => 2 }) })).toBe(2);
});

it.each([
  [
    'a loop',
    () => {
      for (;;);
    },
  ],
  ['a regular expression', () => /^(a|a)*$/.test(`${'a'.repeat(99)}b`)],
])('stops %s, and works again afterwards', (_, work) => {
  expect(() => withDeadline<unknown>({ milliseconds, work })).toThrow(DeadlinePassed);
  expect(() => withDeadline<unknown>({ milliseconds, work })).toThrow('it did not end within 0.1 s');
  expect(withDeadline({ milliseconds, work: () => 1 })).toBe(1);
});
