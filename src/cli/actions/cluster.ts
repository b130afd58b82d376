import { z } from 'zod';
import { UsageError } from '../../system/errors.js';
import type { ClusterOptions } from '../../tensor/cluster.js';
import type { ClusterArguments } from '../cluster-options.js';
import { slurmHosts } from './slurm.js';

/** Seconds. */
const HEARTBEAT = 15;

const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([1-9][0-9]{0,4})$/;

const tfConfigSchema = z.object({
  cluster: z.object({ chief: z.array(z.string()).default([]), worker: z.array(z.string()).default([]) }),
  task: z.object({ type: z.enum(['chief', 'worker']), index: z.int().nonnegative() }),
});

/**
 * The processes of a run: those named on the command line, else those of `TF_CONFIG` (its chief is the first), else none:
 * nothing listens anywhere unless it is told where.
 *
 * @throws {UsageError} `CLUSTER_OPTIONS`
 */
export function clusterOptions(
  args: Partial<ClusterArguments> & { env?: NodeJS.ProcessEnv },
): ClusterOptions | undefined {
  const { hosts: named, rank: given, communication = 'ring', env = process.env } = args;
  const { 'join-timeout': joinTimeout = 300, 'step-timeout': stepTimeout } = args;
  if (named === undefined && given !== undefined) throw wrong('--rank says which of --hosts this process is');
  const { hosts, rank } = named === undefined ? fromTfConfig(env.TF_CONFIG) : fromNames({ named, given, env });
  if (hosts === undefined || hosts.length < 2) return undefined;
  const bad = hosts.find((host) => !HOST.test(host.trim()));
  if (bad !== undefined) throw wrong(`“${bad}” is not host:port`);
  const trimmed = hosts.map((host) => host.trim());
  const twice = trimmed.find((host, i) => trimmed.indexOf(host) !== i);
  if (twice !== undefined) throw wrong(`${twice} is named twice; each process needs a port of its own`);
  if (rank === undefined || !Number.isInteger(rank) || rank < 0 || rank >= hosts.length)
    throw wrong(`there are ${hosts.length} processes, and this one has to be one of 0 to ${hosts.length - 1} (--rank)`);
  for (const seconds of [joinTimeout, stepTimeout ?? 1])
    if (!(seconds > 0)) throw wrong(`--join-timeout and --step-timeout are in seconds (not ${seconds})`);
  return { hosts: trimmed, rank, joinTimeout, heartbeat: HEARTBEAT, communication, stepTimeout };
}

/** Whether this process is the one that keeps what comes of the work, and says so; others only help. */
export const isFirst = (cluster: ClusterOptions | undefined): boolean => cluster === undefined || cluster.rank === 0;

function fromNames(args: { named: string; given?: number; env: NodeJS.ProcessEnv }): {
  hosts: string[];
  rank?: number;
} {
  const { named, given, env } = args;
  const own = env.SLURM_PROCID ?? env.JOB_COMPLETION_INDEX;
  const rank = given ?? (own === undefined ? undefined : Number(own));
  if (named !== 'slurm') return { hosts: named.split(','), rank };
  const hosts = slurmHosts(env);
  if (hosts === undefined) throw wrong('--hosts slurm is for a step of Slurm’s (srun), and its variables are not set');
  return { hosts, rank };
}

/** What Kubeflow's TFJob and TensorFlow's own strategies set. */
function fromTfConfig(text: string | undefined): { hosts?: string[]; rank?: number } {
  if (text === undefined || text.trim() === '') return {};
  try {
    const { cluster, task } = tfConfigSchema.parse(JSON.parse(text));
    const rank = task.type === 'chief' ? task.index : cluster.chief.length + task.index;
    return { hosts: [...cluster.chief, ...cluster.worker], rank };
  } catch (cause) {
    throw wrong(
      'TF_CONFIG cannot be read: {"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": 0}}',
      cause,
    );
  }
}

function wrong(message: string, cause?: unknown): UsageError {
  return new UsageError({ code: 'CLUSTER_OPTIONS', message, cause });
}
