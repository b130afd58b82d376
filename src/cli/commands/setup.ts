import type { CommandModule } from 'yargs';
import { SetupError } from '../../system/errors.js';
import type { AddonLocation } from '../../tensor/setup/index.js';

interface SetupOptions {
  cuda: boolean;
}

export const command: CommandModule<object, SetupOptions> = {
  command: 'setup',
  describe: 'Fetch and build what a run needs: TensorFlow, our kernels for it, ffmpeg',
  builder: (yargs) =>
    yargs
      .option('cuda', {
        type: 'boolean',
        default: false,
        describe: 'Prepare TensorFlow for NVIDIA GPUs (3.2 GiB to download, 5.5 on disk)',
      })
      .example('$0 setup', 'does nothing where all is there; checks it thoroughly'),
  handler: async ({ cuda }) => {
    const { ensureKernels, ensureRuntime } = await import('../../tensor/setup/index.js');
    const { ensureFfmpeg } = await import('../../video/ffmpeg.js');
    const report = (line: string) => process.stderr.write(`${line}\n`);

    const addon = await ensureRuntime({ cuda, thorough: true, report });
    const kernels = addon === null ? null : await ensureKernels({ addon, report });
    const processes = await severalProcesses(addon, report);
    const ffmpeg = await ensureFfmpeg({ report });
    if (cuda && addon === null) {
      const message = 'TensorFlow could not be prepared for NVIDIA GPUs; the reason is given above.';
      throw new SetupError({ code: 'CUDA_SETUP_FAILED', message });
    }
    const backend = addon === null ? 'WASM (no TensorFlow; slower)' : `${addon.tensorflowVersion} (${addon.addonPath})`;
    process.stdout.write(
      `TensorFlow  ${backend}\nkernels     ${kernels ?? 'portable'}\nprocesses   ${processes}\nffmpeg      ${ffmpeg.version} (${ffmpeg.path})\n`,
    );
  },
};

/** Whether processes can join each other, which two try. */
async function severalProcesses(addon: AddonLocation | null, report: (line: string) => void): Promise<string> {
  const { clusterHindrance, ensureContextAddon, probeCluster } = await import('../../tensor/setup/index.js');
  const hindrance = clusterHindrance(addon);
  if (hindrance !== undefined) return `one: ${hindrance}`;
  try {
    await ensureContextAddon({ addon: addon!, report });
    await probeCluster();
    return 'several can be joined (two were)';
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return `one: ${error.message}`;
  }
}
