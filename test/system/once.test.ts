import { expect, it } from 'vitest';
import { once } from '../../src/system/once.js';

it('passes each text on the first time that it comes', () => {
  const taken: string[] = [];
  const take = once((text) => taken.push(text));
  for (const text of ['a', 'b', 'a', 'a', 'c', 'b']) take(text);
  expect(taken).toEqual(['a', 'b', 'c']);
});
