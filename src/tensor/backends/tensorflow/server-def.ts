import { PbfWriter } from 'pbf';
import type { ClusterOptions } from '../../cluster.js';
import { message } from './protobuf.js';

const LEADER = '/job:worker/replica:0/task:0';
/** Milliseconds that processes wait for each other at their end. */
const SHUTDOWN = 20_000;

/**
 * TensorFlow's `ServerDef` (core/protobuf/{tensorflow_server,cluster,config}.proto, xla/tsl/protobuf/coordination_config.proto):
 * the processes as tasks of one job, with a coordination service in the first that hears when one is gone.
 */
export function serverDef({ hosts, rank, joinTimeout, heartbeat }: ClusterOptions): Uint8Array {
  const server = new PbfWriter();
  message(server, 1, (cluster) =>
    message(cluster, 1, (job) => {
      job.writeStringField(1, 'worker');
      for (const [i, host] of hosts.entries())
        message(job, 2, (task) => {
          task.writeVarintField(1, i);
          task.writeStringField(2, host);
        });
    }),
  );
  server.writeStringField(2, 'worker');
  server.writeVarintField(3, rank);
  message(server, 4, (config) => {
    // Each computes on its own devices alone.
    config.writeStringField(4, `/job:worker/task:${rank}`);
    config.writeVarintField(7, 1);
    message(config, 16, (experimental) => {
      experimental.writeStringField(1, LEADER);
      message(experimental, 23, (coordination) => {
        coordination.writeStringField(1, 'standalone');
        coordination.writeStringField(2, LEADER);
        coordination.writeVarintField(3, 1);
        coordination.writeVarintField(4, Math.ceil(1000 * joinTimeout));
        coordination.writeVarintField(5, 1000 * heartbeat);
        coordination.writeVarintField(7, SHUTDOWN);
        message(coordination, 10, (job) => {
          job.writeStringField(1, 'worker');
          job.writeVarintField(2, hosts.length);
        });
        // Without it the first one waits for ever for one that never comes.
        coordination.writeVarintField(14, 1);
      });
    });
  });
  server.writeStringField(5, 'grpc');
  return server.finish();
}
