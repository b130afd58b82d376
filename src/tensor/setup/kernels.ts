import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SetupError } from '../../system/errors.js';
import type { Report } from '../../system/tool.js';
import { buildBeside } from './build-beside.js';
import { buildKernels, kernelsDigest } from './build-kernels.js';
import type { AddonLocation } from './find-addon.js';
import { probeKernels } from './probe.js';

/**
 * Our own operations for TensorFlow's CPU kernels, compiled beside the addon that they will be loaded after: the ones
 * that are there for these sources, else made now (half a minute). Set `VAU_RFT_KERNELS=portable` to do without them, or to
 * a file of kernels that were built otherwise (`scripts/sanitize.mjs`).
 *
 * @throws SetupError `KERNELS_BROKEN`: those of the user do not work.
 * @returns null where there are none: an addon that we did not build, or no compiler (after a line to `report`). The
 * same passes then run as compositions of TensorFlow's operations.
 */
export const ensureKernels = async ({
  addon,
  report,
}: {
  addon: AddonLocation;
  report: Report;
}): Promise<string | null> => {
  const file = await kernelsPath(addon);
  if (file !== null && process.env.VAU_RFT_KERNELS)
    await probeKernels({ addonPath: addon.addonPath, kernelsPath: file });
  if (file === null || existsSync(file)) return file;
  try {
    return await buildBeside({
      addon,
      file,
      what: 'the kernels',
      report,
      build: (compiler, { folder, output }) => buildKernels({ compiler, addon, folder, output }),
      check: (output) => probeKernels({ addonPath: addon.addonPath, kernelsPath: output }),
    });
  } catch (error) {
    if (!(error instanceof SetupError) && !(error instanceof Error && 'syscall' in error)) throw error;
    report(`TensorFlow: our own kernels cannot be built (${error.message}); runs take about twice as long`);
    return null;
  }
};

/** Where the kernels for an addon are, or will be; null where it can have none. */
export const kernelsPath = async (addon: AddonLocation): Promise<string | null> => {
  const wanted = process.env.VAU_RFT_KERNELS;
  if (wanted === 'portable' || addon.source !== 'cache') return null;
  if (wanted) return resolve(wanted);
  return join(dirname(addon.addonPath), `vau_rft_kernels-${await kernelsDigest()}.node`);
};
