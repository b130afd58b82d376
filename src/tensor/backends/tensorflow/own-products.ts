import { processorFlags } from '../../../system/processor.js';
import type { DType } from '../../tensor.js';

/**
 * Types in which our own products are quicker than TensorFlow's, by instruction set. It is written down, and not measured
 * when a run starts, since a resumed run has to end with the same bits. The dot product of AVX-512 multiplies bfloat16 no
 * quicker than float32 is multiplied (TensorFlow's, with its packing, at 0.6 of the rate); the tiles of AMX do.
 */
export const OWN_PRODUCTS: Partial<Record<string, readonly DType[]>> = {
  avx512_bf16: hasTiles() ? ['float32'] : ['float32', 'bfloat16'],
  avx512: ['float32', 'bfloat16'],
  avx2: ['float32', 'bfloat16'],
};

/** Whether TensorFlow multiplies with AMX. Who names an instruction set (`VAU_RFT_ISA`) means it without. */
function hasTiles(): boolean {
  return !process.env.VAU_RFT_ISA && processorFlags().has('amx_bf16');
}
