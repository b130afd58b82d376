import { RunError } from '../../../system/errors.js';
import type { Backend } from '../../backend.js';
import type { ClusterOptions, Collectives } from '../../cluster.js';
import { Tensor } from '../../tensor.js';
import type { Attribute } from './binding.js';
import type { Executor } from './executor.js';

/** What `native/cluster` has. */
export interface ClusterAddon {
  attach(addonPath: string): void;
  join(serverDef: Uint8Array): Promise<void>;
  barrier(name: string, milliseconds: number): void;
  fail(code: number, message: string): void;
}

/** All processes are one group. */
const GROUP = 1;
/** ABORTED, of TensorFlow's codes. */
const ABORTED = 10;
const BARRIER_MS = 600_000;

/** TensorFlow's collective operations (`CollectiveReduceV2` and its kin), in the order in which all processes call them. */
export function collectives(args: {
  backend: Backend;
  executor: Executor;
  addon: ClusterAddon;
  cluster: ClusterOptions;
}): Collectives {
  const { backend, executor, addon, cluster } = args;
  const { hosts, rank, communication } = cluster;
  const { binding } = executor;
  const size = hosts.length;
  // One key a shape, used again and again: what TensorFlow keeps of a key it keeps for good.
  const keys = new Map<string, number>();
  const keyOf = (what: string): number => {
    const known = keys.get(what) ?? keys.size + 1;
    keys.set(what, known);
    return known;
  };
  const attribute = (name: string, type: number, value: unknown): Attribute => ({ name, type, value });
  const common = (type: number): Attribute[] => [
    attribute('T', binding.TF_ATTR_TYPE, type),
    attribute('communication_hint', binding.TF_ATTR_STRING, communication),
    // Who is gone is heard of by heartbeats; a timeout would make two sleeping threads a call.
    attribute('timeout_seconds', binding.TF_ATTR_FLOAT, 0),
    attribute('is_stateless', binding.TF_ATTR_BOOL, false),
    attribute('Nordering_token', binding.TF_ATTR_INT, 0),
  ];
  const run = (op: string, attributes: Attribute[], input: number, key: number): number => {
    try {
      return executor.execute(op, attributes, [input, ...[size, GROUP, key].map((n) => executor.ints(n))], 1)[0]!;
    } catch (cause) {
      throw lost(cause);
    }
  };
  return {
    rank,
    size,
    sum: (tensor) => {
      const merged = [
        attribute('merge_op', binding.TF_ATTR_STRING, 'Add'),
        attribute('final_op', binding.TF_ATTR_STRING, 'Id'),
        attribute('max_subdivs_per_device', binding.TF_ATTR_INT, -1),
      ];
      const attributes = [...common(binding.TF_FLOAT), ...merged];
      const key = keyOf(`sum ${tensor.shape.join()}`);
      const id = run('CollectiveReduceV2', attributes, tensor.handle as number, key);
      return new Tensor(backend, id, tensor.shape, 'float32');
    },
    gather: (values) => {
      // Integers are carried as they are.
      const bits = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
      const input = executor.create([bits.length], binding.TF_INT32, bits.slice());
      const key = keyOf(`gather ${bits.length}`);
      const id = run('CollectiveGatherV2', common(binding.TF_INT32), input, key);
      const all = (binding.tensorDataSync(id) as Int32Array).slice();
      for (const used of [input, id]) binding.deleteTensor(used);
      return Array.from({ length: size }, (_, from) => {
        const own = all.slice(from * bits.length, (from + 1) * bits.length);
        return new Float64Array(own.buffer);
      });
    },
    barrier: (name) => addon.barrier(name, BARRIER_MS),
    fail: (reason) => addon.fail(ABORTED, reason),
  };
}

/** TensorFlow's message names the task (`/job:worker/replica:0/task:1`), and what it has said or that it is silent. */
function lost(cause: unknown): RunError {
  const said = (cause as Error).message.replaceAll(/Invalid TF_Status: \d+\s+Message: |\s+/g, ' ').trim();
  const task = /task:(\d+)/.exec(said)?.[1];
  const who = task === undefined ? 'another process of the run' : `process ${task} of the run`;
  const message = `${who} has failed or is gone, and all have stopped; start all of them again with --resume (${said.slice(0, 300)})`;
  return new RunError({ code: 'PEER_LOST', message, cause });
}
