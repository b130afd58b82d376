import { SetupError } from '../../system/errors.js';
import { freePorts } from '../../system/free-ports.js';
import { runTool } from '../../system/tool.js';
import type { ClusterOptions } from '../cluster.js';

/**
 * Has two processes of this machine join each other and tell each other who they are.
 *
 * @throws SetupError `CLUSTER_IMPOSSIBLE`: they do not come together
 */
export async function probeCluster(): Promise<void> {
  const hosts = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const script = `
    const { startRuntime } = await import(${JSON.stringify(new URL('../runtime.js', import.meta.url).href)});
    const { collectives } = await startRuntime({ report: () => {}, cluster: JSON.parse(process.argv[1]) });
    const all = collectives.gather(Float64Array.of(collectives.rank)).map(([rank]) => rank);
    if (all.join() !== '0,1') throw new Error('they heard ' + all);
    collectives.barrier('end');`;
  const one = (rank: number) => {
    const cluster: ClusterOptions = { hosts, rank, joinTimeout: 60, heartbeat: 10, communication: 'ring' };
    const args = ['--input-type=module', '-e', script, JSON.stringify(cluster)];
    return runTool({ command: process.execPath, args, env: { NODE_OPTIONS: '' }, timeout: 120_000 });
  };
  try {
    await Promise.all([one(0), one(1)]);
  } catch (cause) {
    const message = `two processes did not come together: ${(cause as Error).message}`;
    throw new SetupError({ code: 'CLUSTER_IMPOSSIBLE', message, cause });
  }
}
