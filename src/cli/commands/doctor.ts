import type { CommandModule } from 'yargs';
import { formatBytes } from '../../system/bytes.js';
import { SetupError } from '../../system/errors.js';
import type { Diagnosis } from '../actions/diagnosis.js';

interface DoctorOptions {
  json: boolean;
}

export const command: CommandModule<object, DoctorOptions> = {
  command: 'doctor',
  describe: 'Show what a run would find on this machine, and how to mend what is missing',
  builder: (yargs) => yargs.option('json', { type: 'boolean', default: false, describe: 'Print JSON' }),
  handler: async ({ json }) => {
    const { diagnose } = await import('../actions/diagnosis.js');
    const diagnosis = await diagnose();
    process.stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : describe(diagnosis));
    const blocking = diagnosis.problems.find((problem) => problem.blocking);
    if (blocking !== undefined) {
      throw new SetupError({ code: 'NOT_READY', message: `No run is possible before this: ${blocking.remedy}` });
    }
  },
};

/** The diagnosis as a table, a line a fact, and what to do. */
export const describe = (diagnosis: Diagnosis): string => {
  const { tensorflow, processor, bfloat16, ffmpeg, memory, cache, problems } = diagnosis;
  const onGpu = tensorflow?.device === 'GPU';
  const rows = [
    ['backend', diagnosis.backend],
    ['TensorFlow', tensorflow ? `${tensorflow.tensorflowVersion} (${tensorflow.addonPath})` : 'none'],
    ['device', onGpu ? 'GPU' : describeProcessor(processor)],
    ['kernels', onGpu ? 'TensorFlow’s, on the GPU' : (diagnosis.kernels ?? 'portable')],
    ['processes', diagnosis.clusterHindrance === null ? 'several can be joined' : `one: ${diagnosis.clusterHindrance}`],
    ['bfloat16', describeBfloat16(onGpu ? { ...bfloat16, instructions: ['of the GPU'] } : bfloat16)],
    ['ffmpeg', ffmpeg ? `${ffmpeg.version} (${ffmpeg.source}: ${ffmpeg.path})` : 'none'],
    ['memory', `${formatBytes(memory.available)} of ${formatBytes(memory.total)} available`],
    ['Node.js', diagnosis.node],
    ['cache', `${cache.folder} (${formatBytes(cache.bytes)})`],
  ];
  const table = rows.map(([name, value]) => `${name!.padEnd(11)} ${value}`);
  const remedies = problems.map(({ what, remedy }) => `! ${what}\n  → ${remedy}`);
  return `${[...table, ...(remedies.length === 0 ? ['', 'All is there.'] : ['', ...remedies])].join('\n')}\n`;
};

const describeProcessor = ({ model, cores, used }: Diagnosis['processor']): string =>
  `CPU: ${model}, ${used === cores ? cores : `${used} of ${cores}`} cores`;

const describeBfloat16 = ({ instructions, measured }: Diagnosis['bfloat16']): string => {
  const native = instructions.length === 0 ? 'no instructions of the processor' : instructions.join(' ');
  if (measured === null) return `${native}; not measured`;
  const { float32, bfloat16 } = measured;
  const ratio = (bfloat16 / float32).toFixed(1);
  return `${native}; matrix products at ${bfloat16.toFixed(0)} GFLOP/s, ${ratio} × float32 (${float32.toFixed(0)})`;
};
