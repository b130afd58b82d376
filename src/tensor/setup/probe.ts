import { SetupError } from '../../system/errors.js';
import { runTool, ToolError } from '../../system/tool.js';
import type { Binding } from '../backends/tensorflow/binding.js';
import { prepareEnvironment } from './environment.js';

/** What an addon does in a process of its own. */
export interface Probe {
  tensorflowVersion: string;
  /** TensorFlow lists a GPU and places its operations there. */
  gpu: boolean;
  /** Only if asked for; null if bfloat16 products fail or are wrong. */
  bfloat16?: MatmulSpeed | null;
}

/** Billions of floating-point operations a second, of a product of two 1024 × 1024 matrices. */
export interface MatmulSpeed {
  float32: number;
  bfloat16: number;
}

/**
 * Loads an addon in a child process, since one that does not fit the machine takes its process with it, and multiplies
 * two matrices.
 *
 * @param measure also measures bfloat16 products against float32 ones (about half a second).
 * @throws SetupError `ADDON_BROKEN`: it does not load, crashes, or multiplies wrongly.
 */
export const probeAddon = async ({
  addonPath,
  measure = false,
}: {
  addonPath: string;
  measure?: boolean;
}): Promise<Probe> => {
  prepareEnvironment();
  const script = `(${runInChild.toString()})(require(${JSON.stringify(addonPath)}), ${measure})`;
  try {
    const stdout = await runTool({
      command: process.execPath,
      args: ['--input-type=commonjs', '-e', script],
      env: { NODE_OPTIONS: '' },
      timeout: 120_000,
    });
    return JSON.parse(stdout) as Probe;
  } catch (cause) {
    const illegal = cause instanceof ToolError && cause.signal === 'SIGILL';
    const reason = illegal ? 'this processor lacks instructions that TensorFlow needs (AVX)' : said(cause);
    const message = `the addon ${addonPath} does not work: ${reason}`;
    throw new SetupError({ code: 'ADDON_BROKEN', message, cause });
  }
};

/**
 * Loads our own operations behind an addon, in a child process, and runs one.
 *
 * @throws SetupError `KERNELS_BROKEN`: they do not load, crash, or compute wrongly.
 */
export const probeKernels = async ({ addonPath, kernelsPath }: { addonPath: string; kernelsPath: string }) => {
  prepareEnvironment();
  const load = (file: string) => `require(${JSON.stringify(file)})`;
  const script = `const binding = ${load(addonPath)}; ${load(kernelsPath)}; (${addInChild.toString()})(binding)`;
  const args = ['--input-type=commonjs', '-e', script];
  try {
    const env = { NODE_OPTIONS: '', VAU_RFT_ISA: '' };
    await runTool({ command: process.execPath, args, env, timeout: 120_000 });
  } catch (cause) {
    const message = `the kernels ${kernelsPath} do not work: ${said(cause)}`;
    throw new SetupError({ code: 'KERNELS_BROKEN', message, cause });
  }
};

/** As `runInChild`. */
const addInChild = (binding: Binding): void => {
  const ones = binding.createTensor([5, 7], binding.TF_FLOAT, new Float32Array(35).fill(1));
  const [sum] = binding.executeOp('VauColumnSum', [], [ones], 1);
  const found = Array.from(binding.tensorDataSync(sum!.id));
  if (found.length !== 7 || found.some((x) => x !== 5)) throw new Error(`sums of 5 ones are ${found}`);
};

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Its source text runs in the child, so it can use nothing but its arguments and globals. */
const runInChild = (binding: Binding, measure: boolean): void => {
  const BFLOAT16 = 14; // DT_BFLOAT16 of TensorFlow's types.proto
  const run = (op: string, inputs: number[], attributes: { name: string; type: number; value: unknown }[] = []) =>
    binding.executeOp(op, attributes, inputs, 1)[0]!.id;
  const cast = (x: number, type: number) =>
    run('Cast', [x], [{ name: 'DstT', type: binding.TF_ATTR_TYPE, value: type }]);
  const ones = (n: number) => binding.createTensor([n, n], binding.TF_FLOAT, new Float32Array(n * n).fill(1));
  const corner = (x: number) => {
    const at = (...index: number[]) => binding.createTensor([2], binding.TF_INT32, Int32Array.from(index));
    return binding.tensorDataSync(cast(run('Slice', [x, at(0, 0), at(1, 1)]), binding.TF_FLOAT))[0];
  };

  const small = ones(64);
  const product = corner(run('MatMul', [small, small]));
  if (product !== 64) throw new Error(`a sum of 64 ones is ${product}`);
  const probe: Probe = { tensorflowVersion: binding.TF_Version, gpu: binding.isUsingGpuDevice() };
  if (measure) {
    // On a GPU as much as takes longer than being asked for it.
    const n = probe.gpu ? 8192 : 1024;
    const speed = (x: number) => {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 5; i += 1) {
        const start = performance.now();
        const value = corner(run('MatMul', [x, x]));
        best = Math.min(best, performance.now() - start);
        if (value !== n) throw new Error(`a sum of ${n} ones is ${value}`);
      }
      return (2 * n ** 3) / best / 1e6;
    };
    const wide = ones(n);
    const float32 = speed(wide);
    try {
      probe.bfloat16 = { float32, bfloat16: speed(cast(wide, BFLOAT16)) };
    } catch {
      probe.bfloat16 = null;
    }
  }
  process.stdout.write(JSON.stringify(probe));
};
