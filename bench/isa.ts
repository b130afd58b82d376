import { processorFlags } from '../src/system/processor.js';

/**
 * How each library is held to an instruction set: our kernels; oneDNN, in TensorFlow and in PyTorch; PyTorch's own kernels;
 * MKL, which multiplies float32 for PyTorch. Held to AVX2, oneDNN has no bfloat16 products.
 */
const VARIABLES = {
  avx2: {
    VAU_RFT_ISA: 'avx2',
    ONEDNN_MAX_CPU_ISA: 'AVX2',
    ATEN_CPU_CAPABILITY: 'avx2',
    MKL_ENABLE_INSTRUCTIONS: 'AVX2',
  },
  avx512: {
    VAU_RFT_ISA: 'avx512',
    ONEDNN_MAX_CPU_ISA: 'AVX512_CORE',
    ATEN_CPU_CAPABILITY: 'avx512',
    MKL_ENABLE_INSTRUCTIONS: 'AVX512',
  },
  avx512_bf16: {
    VAU_RFT_ISA: 'avx512_bf16',
    ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_BF16',
    ATEN_CPU_CAPABILITY: 'avx512',
    MKL_ENABLE_INSTRUCTIONS: 'AVX512_E3',
  },
};

/** Instruction sets that all contenders can be held to. */
export type Isa = keyof typeof VARIABLES;
export const ISAS = Object.keys(VARIABLES) as Isa[];

/** What tells instruction sets apart that matter here, in Linux's names, the best first. */
const TOLD = ['amx_bf16', 'avx512_bf16', 'avx512f', 'avx2', 'fma', 'bf16', 'asimd'];

/** Environment of a contender. Unforced, it gets none of these variables, whatever the benchmark's own has. */
export const isaVariables = (isa: Isa | undefined): Record<string, string | undefined> =>
  isa === undefined ? Object.fromEntries(Object.keys(VARIABLES.avx2).map((name) => [name, undefined])) : VARIABLES[isa];

/** What the contenders could use. */
export function instructionSets(isa: Isa | undefined): string {
  if (isa !== undefined) return `${isa} (forced)`;
  const flags = processorFlags();
  return TOLD.filter((name) => flags.has(name)).join(', ') || process.arch;
}
