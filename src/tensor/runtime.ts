import { createRequire } from 'node:module';
import { RunError, SetupError, UsageError } from '../system/errors.js';
import { processorFlags } from '../system/processor.js';
import type { Profile } from '../system/profile.js';
import { activeBackend, isStarted, useBackend } from './active.js';
import type { Backend } from './backend.js';
import type { ContextAddon } from './backends/tensorflow/context-addon.js';
import type { ClusterOptions } from './cluster.js';
import type { AddonLocation } from './setup/index.js';

/**
 * Starts TensorFlow, or WebAssembly where it cannot be had; a second call returns the same backend. The environment
 * variable `VAU_RFT_BACKEND` (`tensorflow` or `wasm`) decides instead.
 *
 * @param report takes the lines of a set-up that turns out to be needed
 * @param profile records the time of TensorFlow's operations
 * @param cluster joins other processes
 * @throws SetupError `RUNTIME_MISSING` if TensorFlow is asked for and cannot be had; `CLUSTER_IMPOSSIBLE` if it cannot
 *   join others; RunError `CLUSTER_NOT_JOINED` if they do not come
 */
export async function startRuntime({ report, profile, cluster }: RuntimeOptions): Promise<Backend> {
  if (isStarted()) return activeBackend();
  const wanted = process.env.VAU_RFT_BACKEND;
  if (wanted !== undefined && wanted !== 'tensorflow' && wanted !== 'wasm') {
    const message = `VAU_RFT_BACKEND is ${wanted}; it can be tensorflow or wasm`;
    throw new UsageError({ code: 'BACKEND_UNKNOWN', message });
  }
  const tensorflow = wanted === 'wasm' ? null : await startTensorFlow({ report, profile, cluster });
  if (tensorflow === null && wanted === 'tensorflow') {
    const message = 'TensorFlow cannot be had on this machine; `vau-rft doctor` says what is missing';
    throw new SetupError({ code: 'RUNTIME_MISSING', message });
  }
  if (tensorflow === null && cluster !== undefined) {
    const message =
      'several processes need TensorFlow, and it cannot be had here; `vau-rft doctor` says what is missing';
    throw new SetupError({ code: 'CLUSTER_IMPOSSIBLE', message });
  }
  const backend = tensorflow ?? (await (await import('./backends/wasm/backend.js')).startWasm());
  useBackend(backend);
  return backend;
}

interface RuntimeOptions {
  report: (line: string) => void;
  profile?: Profile;
  cluster?: ClusterOptions;
}

async function startTensorFlow({ report, profile, cluster }: RuntimeOptions): Promise<Backend | null> {
  const { ensureKernels, ensureRuntime, findAddon, prepareEnvironment } = await import('./setup/index.js');
  const addon = (await findAddon()) ?? (await ensureRuntime({ report }));
  if (addon === null) return null;
  prepareEnvironment();
  // What goes wrong between processes is told by us, in a sentence.
  if (cluster !== undefined) process.env.TF_CPP_MIN_LOG_LEVEL = '3';
  const { loadBinding } = await import('./backends/tensorflow/binding.js');
  const { TensorFlowBackend } = await import('./backends/tensorflow/backend.js');
  const plain = loadBinding(addon.addonPath);
  const isNeeded = cluster !== undefined;
  const context = isNeeded || plain.isUsingGpuDevice() ? await openContext({ addon, report, isNeeded }) : undefined;
  // Before any tensor is made: joining names the devices anew.
  const joined = cluster === undefined ? undefined : await joinCluster({ context: context!, cluster });
  const binding =
    profile === undefined
      ? plain
      : (await import('./backends/tensorflow/profiled-binding.js')).profiledBinding(plain, profile);
  const kernels = await ensureKernels({ addon, report });
  const backend = new TensorFlowBackend(binding, {
    instructionSet: kernels === null ? null : loadKernels(kernels),
    functions:
      context !== undefined && plain.isUsingGpuDevice()
        ? { add: context.addFunction, refused: (error) => report(withoutFunctions(error)) }
        : undefined,
  });
  if (joined === undefined) return backend;
  const { collectives } = await import('./backends/tensorflow/collectives.js');
  backend.collectives = collectives({ backend, executor: backend.executor, ...joined });
  return backend;
}

const withoutFunctions = ({ message }: Error): string =>
  `TensorFlow: a layer is no function here, and decoding takes longer for it (${message})`;

/** What reaches TensorFlow's context: to join others it is needed, a GPU is slower without. @throws SetupError `CLUSTER_IMPOSSIBLE` */
async function openContext(args: { addon: AddonLocation; report: (line: string) => void; isNeeded: boolean }) {
  const { addon, report, isNeeded } = args;
  const { ensureContextAddon } = await import('./setup/index.js');
  const { loadContextAddon } = await import('./backends/tensorflow/context-addon.js');
  try {
    const file = await ensureContextAddon({ addon, report });
    return loadContextAddon({ file, addonPath: addon.addonPath });
  } catch (error) {
    if (isNeeded) throw error;
    report(withoutFunctions(error as Error));
    return undefined;
  }
}

/** Waits for the others. @throws RunError `CLUSTER_NOT_JOINED` */
async function joinCluster({ context, cluster }: { context: ContextAddon; cluster: ClusterOptions }) {
  const { serverDef } = await import('./backends/tensorflow/server-def.js');
  try {
    await context.join(serverDef(cluster));
  } catch (cause) {
    const { hosts, rank, joinTimeout } = cluster;
    const message = `process ${rank} (${hosts[rank]}) has not joined the others (${hosts.join(', ')}) within ${joinTimeout} s: ${(cause as Error).message.split('\n')[0]}`;
    throw new RunError({ code: 'CLUSTER_NOT_JOINED', message, cause });
  }
  return { addon: context, cluster };
}

/** @returns the instruction set that they run on: the best one, or the environment variable's `VAU_RFT_ISA` */
function loadKernels(file: string): string {
  try {
    return createRequire(import.meta.url)(file).instructionSet;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ISA_UNKNOWN') throw error;
    throw new UsageError({ code, message, cause: error });
  }
}

/**
 * What `model.dtype: auto` means here: bfloat16 on a GPU, or on a CPU with instructions for it (without them TensorFlow
 * emulates it, slower than float32).
 */
export function fastestType(backend: Backend): 'float32' | 'bfloat16' {
  if (!backend.supportsBfloat16) return 'float32';
  if (backend.usesGpu) return 'bfloat16';
  const flags = processorFlags();
  return flags.has('avx512_bf16') || flags.has('amx_bf16') ? 'bfloat16' : 'float32';
}
