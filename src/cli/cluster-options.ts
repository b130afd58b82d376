/** Options of the commands that several processes can make together. */
export interface ClusterArguments {
  hosts: string | undefined;
  rank: number | undefined;
}

export const hostsOption = {
  type: 'string',
  describe:
    'Processes that make the run together, as host:port with commas between; slurm: those of its step. TF_CONFIG says the same',
} as const;

export const rankOption = {
  type: 'number',
  describe: 'Which of them this one is, from 0; left out, SLURM_PROCID or JOB_COMPLETION_INDEX (Kubernetes)',
} as const;
