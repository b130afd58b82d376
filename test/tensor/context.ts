import { type ContextAddon, loadContextAddon } from '../../src/tensor/backends/tensorflow/context-addon.js';
import { clusterHindrance, ensureContextAddon, findAddon } from '../../src/tensor/setup/index.js';

/** What TensorFlow's context is reached by; null where its addon is not ours. The runtime has to be started. */
export async function contextHere(): Promise<ContextAddon | null> {
  const addon = await findAddon();
  if (addon === null || clusterHindrance(addon) !== undefined) return null;
  const file = await ensureContextAddon({ addon, report: () => {} });
  return loadContextAddon({ file, addonPath: addon.addonPath });
}
