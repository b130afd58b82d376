import { expect, it } from 'vitest';
import { formatBytes } from '../../src/system/bytes.js';

it.each([
  [0, '0 MiB'],
  [300_000, '0.286 MiB'],
  [812 * 2 ** 20, '812 MiB'],
  [1.2055 * 2 ** 30, '1.21 GiB'],
  [2 ** 40, '1020 GiB'],
])('%d', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
