import { fused } from '../../tensor/fused.js';
import type { Decoding, DecodingStart } from './decoding.js';
import { PlainDecoding } from './plain.js';
import { StackedDecoding } from './stacked.js';

/** Decoding in the way that the device is quick at. */
export function openDecoding(start: DecodingStart): Decoding {
  const { stacked } = fused();
  return stacked === null ? new PlainDecoding(start) : new StackedDecoding({ ...start, kernels: stacked });
}
