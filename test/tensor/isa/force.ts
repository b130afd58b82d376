import { describe, it } from 'vitest';
import { UsageError } from '../../../src/system/errors.js';
import { startRuntime } from '../../../src/tensor/runtime.js';

/** The tests of the kernels again, on an instruction set that this processor may have a better one than. */
export async function testKernelsOn(isa: string): Promise<void> {
  process.env.VAU_RFT_ISA = isa;
  try {
    await startRuntime({ report: () => {} });
  } catch (error) {
    if (!(error instanceof UsageError && error.code === 'ISA_UNKNOWN')) throw error;
    it.skip(`${isa}: this processor does not have it`, () => {});
    return;
  }
  describe(isa, async () => {
    await import('../kernels.test.js');
  });
}
