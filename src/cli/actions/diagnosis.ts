import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { cacheFolder } from '../../system/cache-folder.js';
import { usableCpus } from '../../system/cpus.js';
import { SetupError } from '../../system/errors.js';
import { memoryLimit } from '../../system/memory-limit.js';
import { processorFlags } from '../../system/processor.js';
import {
  type AddonLocation,
  clusterHindrance,
  findAddon,
  folderBytes,
  kernelsPath,
  type Probe,
  probeAddon,
} from '../../tensor/setup/index.js';
import { type Ffmpeg, findFfmpeg } from '../../video/ffmpeg.js';

/** Something that is missing or could be better. */
export interface Problem {
  /** No run is possible before it is mended. */
  blocking: boolean;
  what: string;
  /** The one command that mends it. */
  remedy: string;
}

/** What a run would find on this machine. */
export interface Diagnosis {
  /** A run is possible. */
  ok: boolean;
  backend: 'tensorflow' | 'wasm';
  tensorflow: (AddonLocation & { device: 'GPU' | 'CPU' }) | null;
  /** Our own operations for TensorFlow's CPU; null: the same passes run as compositions of TensorFlow's. */
  kernels: string | null;
  /** Why several processes cannot make one run; null: they can. */
  clusterHindrance: string | null;
  processor: {
    model: string;
    cores: number;
    /** As many as a run keeps busy: fewer where an affinity, a container's quota or the user says so. */
    used: number;
  };
  bfloat16: {
    /** The processor's instructions for it, as the system names them. */
    instructions: string[];
    /** Billions of floating-point operations a second through TensorFlow; null if not measured. */
    measured: { float32: number; bfloat16: number } | null;
  };
  ffmpeg: Ffmpeg | null;
  /** In bytes; of the container, where there is one. */
  memory: { total: number; available: number };
  node: string;
  /** In bytes. */
  cache: { folder: string; bytes: number };
  problems: Problem[];
}

/** Looks at everything that a run needs, without the network and without changing anything. */
export const diagnose = async (): Promise<Diagnosis> => {
  const problems: Problem[] = [];
  const { addon, probe } = await tensorflow(problems);
  const ffmpeg = await ffmpegOrProblem(problems);
  const folder = cacheFolder();
  return {
    ok: !problems.some(({ blocking }) => blocking),
    backend: addon === null ? 'wasm' : 'tensorflow',
    tensorflow: addon === null ? null : { ...addon, device: probe?.gpu ? 'GPU' : 'CPU' },
    kernels: addon === null ? null : await builtKernels(addon, problems),
    clusterHindrance: clusterHindrance(addon) ?? null,
    processor: { model: cpus()[0]?.model ?? process.arch, cores: cpus().length, used: usableCpus() },
    bfloat16: { instructions: bfloat16Instructions(), measured: probe?.bfloat16 ?? null },
    ffmpeg,
    memory: {
      total: memoryLimit(),
      available: process.availableMemory(),
    },
    node: process.versions.node,
    cache: { folder, bytes: await folderBytes(folder) },
    problems,
  };
};

const tensorflow = async (problems: Problem[]): Promise<{ addon: AddonLocation | null; probe: Probe | null }> => {
  const problem = (what: string, remedy = 'vau-rft setup') => problems.push({ blocking: false, what, remedy });
  const addon = await findAddon();
  if (addon === null) {
    problem('TensorFlow is not set up; runs use WASM, about 8 times slower');
    return { addon: null, probe: null };
  }
  try {
    const probe = await probeAddon({ addonPath: addon.addonPath, measure: true });
    if (!probe.gpu && hasNvidiaGpu()) {
      const prepared = addon.cuda && addon.source === 'cache';
      problem(
        'there is an NVIDIA GPU, and TensorFlow runs on the CPU',
        prepared ? 'nvidia-smi (does the driver work?)' : 'vau-rft setup --cuda',
      );
    }
    return { addon, probe };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    problem(error.message);
    return { addon: null, probe: null };
  }
};

const builtKernels = async (addon: AddonLocation, problems: Problem[]): Promise<string | null> => {
  const file = await kernelsPath(addon);
  if (file === null || existsSync(file)) return file;
  const what = 'our kernels are not built; the next run builds them';
  problems.push({ blocking: false, what, remedy: 'vau-rft setup' });
  return null;
};

const ffmpegOrProblem = async (problems: Problem[]): Promise<Ffmpeg | null> => {
  try {
    const ffmpeg = await findFfmpeg();
    if (ffmpeg === null) problems.push({ blocking: true, what: 'there is no ffmpeg', remedy: 'vau-rft setup' });
    return ffmpeg;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    problems.push({ blocking: true, what: error.message, remedy: 'unset FFMPEG_PATH' });
    return null;
  }
};

const hasNvidiaGpu = (): boolean => existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidia0');

/** The processor's flags for bfloat16; Linux only, elsewhere the measurement alone tells. */
const bfloat16Instructions = (): string[] =>
  ['avx512_bf16', 'amx_bf16', 'avx_ne_convert', 'bf16'].filter((flag) => processorFlags().has(flag));
