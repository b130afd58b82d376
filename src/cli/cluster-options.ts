/** Options of the commands that several processes can make together. */
export interface ClusterArguments {
  hosts?: string;
  rank?: number;
  'join-timeout': number;
  'step-timeout'?: number;
  communication: 'ring' | 'nccl' | 'auto';
}

export const clusterArguments = {
  hosts: {
    type: 'string',
    describe:
      'Processes that make the run together, as host:port with commas between; slurm: those of its step. TF_CONFIG says the same',
  },
  rank: {
    type: 'number',
    describe: 'Which of them this one is, from 0; left out, SLURM_PROCID or JOB_COMPLETION_INDEX (Kubernetes)',
  },
  'join-timeout': {
    type: 'number',
    default: 300,
    describe: 'Seconds that several processes wait for each other at the start',
  },
  'step-timeout': {
    type: 'number',
    describe: 'Seconds that one of several processes may compute before it meets the others; it ends after that',
  },
  communication: {
    choices: ['ring', 'nccl', 'auto'] as const,
    default: 'ring' as const,
    describe: 'How several processes add gradients up: over the network, by NCCL between GPUs, or as TensorFlow likes',
  },
} as const;

/** The same again, as words of a command line. */
export function clusterWords(args: ClusterArguments): string[] {
  const names = ['hosts', 'rank', 'join-timeout', 'step-timeout', 'communication'] as const;
  return names.flatMap((name) => (args[name] === undefined ? [] : [`--${name}`, String(args[name])]));
}
