import { usableCpus } from '../../system/cpus.js';

/**
 * Sets what TensorFlow reads from the environment once, when the addon is loaded; what the user has set stays.
 * Call it before the addon is loaded, on the main thread (a worker's `process.env` is a copy that C++ does not see).
 */
export const prepareEnvironment = (): void => {
  // Errors only: without a GPU the CUDA build warns of each library that it does not find.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // Otherwise TensorFlow takes all of the GPU's memory at once, and a second process gets none.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // A GPU's sums in one order, or an error where there is none: a run that is resumed ends with the same bits.
  process.env.TF_DETERMINISTIC_OPS ??= 'true';
  // What is called float32 has 24 bits on a GPU too: products of TF32, TensorFlow's default, have 11.
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  // By itself it starts a thread for each CPU, whatever a container's quota. Our own kernels go by the same number.
  process.env.TF_NUM_INTRAOP_THREADS = String(usableCpus());
  process.env.TF_NUM_INTEROP_THREADS ??= process.env.TF_NUM_INTRAOP_THREADS;
};
