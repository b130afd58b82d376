/**
 * Finds or makes the N-API addon through which TensorFlow is reached. Nothing here loads it into this process. The addon
 * is used directly: the JavaScript of `@tensorflow/tfjs-node-gpu`, which calls functions that Node 23 took away
 * (`util.isNullOrUndefined`), is never loaded.
 */
export { clusterHindrance, ensureContextAddon } from './context-addon.js';
export { ensureRuntime } from './ensure-runtime.js';
export { prepareEnvironment } from './environment.js';
export { type AddonLocation, findAddon } from './find-addon.js';
export { folderBytes } from './folder-size.js';
export { ensureKernels, kernelsPath } from './kernels.js';
export { type Probe, probeAddon } from './probe.js';
export { probeCluster } from './probe-cluster.js';
