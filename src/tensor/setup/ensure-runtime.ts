import { join } from 'node:path';
import { SetupError } from '../../system/errors.js';
import type { Report } from '../../system/tool.js';
import { withLock } from '../../system/with-lock.js';
import { type AddonLocation, type FindOptions, findAddon, runtimesFolder } from './find-addon.js';

/**
 * A working addon: the one that is there, else one made now (a download of 270 MB, under a minute). Safe to call from
 * several processes, and to kill.
 *
 * @returns null if none can be had, after one line to `report` with the reason and the remedy; WASM is the way then.
 */
export const ensureRuntime = async ({
  cuda = false,
  thorough = false,
  report,
}: FindOptions & { report: Report }): Promise<AddonLocation | null> => {
  const present = await findAddon({ cuda, thorough });
  if (present !== null) return present;
  try {
    return await withLock({
      file: join(runtimesFolder(), 'lock'),
      waiting: () => report('TensorFlow: another process is setting it up; waiting for it'),
      task: async () => {
        const madeMeanwhile = await findAddon({ cuda, thorough });
        if (madeMeanwhile !== null) return madeMeanwhile;
        const { makeRuntime } = await import('./make-runtime.js');
        return makeRuntime({ cuda, report });
      },
    });
  } catch (error) {
    if (!(error instanceof SetupError) && !isSystemError(error)) throw error;
    const remedy = error instanceof SetupError ? '' : ': set VAU_RFT_CACHE to a folder that can be written to';
    report(`TensorFlow cannot be set up: ${error.message}${remedy}`);
    return null;
  }
};

/** A full disk, a folder that cannot be written to: theirs to mend, so no crash. */
const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error;
