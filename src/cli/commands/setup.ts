import type { CommandModule } from 'yargs';
import { SetupError } from '../../system/errors.js';

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
    const ffmpeg = await ensureFfmpeg({ report });
    if (cuda && addon === null) {
      const message = 'TensorFlow could not be prepared for NVIDIA GPUs; the reason is given above.';
      throw new SetupError({ code: 'CUDA_SETUP_FAILED', message });
    }
    const backend = addon === null ? 'WASM (no TensorFlow; slower)' : `${addon.tensorflowVersion} (${addon.addonPath})`;
    process.stdout.write(
      `TensorFlow  ${backend}\nkernels     ${kernels ?? 'portable'}\nffmpeg      ${ffmpeg.version} (${ffmpeg.path})\n`,
    );
  },
};
