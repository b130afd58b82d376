import { expect, it } from 'vitest';
import { UsageError } from '../../../src/system/errors.js';
import { startRuntime } from '../../../src/tensor/runtime.js';

process.env.VAU_RFT_ISA = 'mmx';
const failure = await startRuntime({ report: () => {} }).then(
  () => null,
  (error: unknown) => error,
);

// Where there are no native kernels, nothing asks for it.
it.skipIf(failure === null)('an instruction set that there is none of is refused, with those that there are', () => {
  expect(failure).toBeInstanceOf(UsageError);
  expect(failure).toMatchObject({
    code: 'ISA_UNKNOWN',
    message: expect.stringMatching(/^VAU_RFT_ISA is mmx; this processor has .*(sse2|neon)$/),
  });
});
