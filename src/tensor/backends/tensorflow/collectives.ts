import { RunError } from '../../../system/errors.js';
import type { Backend } from '../../backend.js';
import type { ClusterOptions, Collectives } from '../../cluster.js';
import { Tensor } from '../../tensor.js';
import type { Attribute } from './binding.js';
import type { ContextAddon } from './context-addon.js';
import type { Executor } from './executor.js';

/** All processes are one group. */
const GROUP = 1;
/** ABORTED, of TensorFlow's codes. */
const ABORTED = 10;
const BARRIER_MS = 600_000;

/** TensorFlow's collective operations (`CollectiveReduceV2` and its kin), in the order in which all processes call them. */
export function collectives(args: {
  backend: Backend;
  executor: Executor;
  addon: ContextAddon;
  cluster: ClusterOptions;
}): Collectives {
  const { backend, executor, addon, cluster } = args;
  const { hosts, rank, communication, stepTimeout = 0 } = cluster;
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
  ];
  const ordered = (type: number): Attribute[] => [
    ...common(type),
    attribute('is_stateless', binding.TF_ATTR_BOOL, false),
    attribute('Nordering_token', binding.TF_ATTR_INT, 0),
  ];
  const stuck = `process ${rank} has not come to the others within ${stepTimeout} s (--step-timeout), and ends`;
  /** The time that is watched is this process's own: it begins again when the others have come. */
  const meet = <T>(what: () => T): T => {
    addon.watch(0, '');
    try {
      return what();
    } catch (cause) {
      throw lost(cause);
    } finally {
      addon.watch(Math.ceil(1000 * stepTimeout), stuck);
    }
  };
  const run = (op: string, attributes: Attribute[], inputs: number[]): number =>
    meet(() => executor.execute(op, attributes, inputs, 1)[0]!);
  const groupAnd = (key: string): number[] => [size, GROUP, keyOf(key)].map((n) => executor.ints(n));
  const taken = (id: number): Int32Array => {
    const all = (binding.tensorDataSync(id) as Int32Array).slice();
    binding.deleteTensor(id);
    return all;
  };
  return {
    rank,
    size,
    version: binding.TF_Version,
    sum: (tensor) => {
      const merged = [
        attribute('merge_op', binding.TF_ATTR_STRING, 'Add'),
        attribute('final_op', binding.TF_ATTR_STRING, 'Id'),
        attribute('max_subdivs_per_device', binding.TF_ATTR_INT, -1),
      ];
      const attributes = [...ordered(binding.TF_FLOAT), ...merged];
      const inputs = [tensor.handle as number, ...groupAnd(`sum ${tensor.shape.join()}`)];
      const id = run('CollectiveReduceV2', attributes, inputs);
      return new Tensor(backend, id, tensor.shape, 'float32');
    },
    gather: (values) => {
      // Integers are carried as they are: no number is rounded, and no NaN loses its bits.
      const bits = bitsOf(values);
      const input = executor.create([bits.length], binding.TF_INT32, bits.slice());
      const inputs = [input, ...groupAnd(`gather ${bits.length}`)];
      const all = taken(run('CollectiveGatherV2', ordered(binding.TF_INT32), inputs));
      binding.deleteTensor(input);
      return Array.from({ length: size }, (_, from) => {
        const own = all.slice(from * bits.length, (from + 1) * bits.length);
        return new Float64Array(own.buffer);
      });
    },
    broadcast: (values) => {
      const { length } = values;
      const groupAndKey = groupAnd(`broadcast ${length}`);
      const attributes = common(binding.TF_INT32);
      if (rank > 0) {
        const shaped = [...attributes, attribute('Tshape', binding.TF_ATTR_TYPE, binding.TF_INT32)];
        const inputs = [...groupAndKey, executor.ints([length])];
        return new Float32Array(taken(run('CollectiveBcastRecvV2', shaped, inputs)).buffer);
      }
      const input = executor.create([length], binding.TF_INT32, bitsOf(values).slice());
      binding.deleteTensor(run('CollectiveBcastSendV2', attributes, [input, ...groupAndKey]));
      binding.deleteTensor(input);
      return values;
    },
    barrier: (name) => meet(() => addon.barrier(name, BARRIER_MS)),
    fail: (reason) => {
      try {
        addon.fail(ABORTED, reason);
      } catch {
        // They are gone, or know: what this process ends with is not to be hidden by that.
      }
    },
  };
}

const bitsOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Int32Array =>
  new Int32Array(buffer, byteOffset, byteLength / Int32Array.BYTES_PER_ELEMENT);

/** TensorFlow's message names the task (`/job:worker/replica:0/task:1`), and what it has said or that it is silent. */
function lost(cause: unknown): RunError {
  const said = (cause as Error).message.replaceAll(/Invalid TF_Status: \d+\s+Message: |\s+/g, ' ').trim();
  const task = /task:(\d+)/.exec(said)?.[1];
  const who = task === undefined ? 'another process of the run' : `process ${task} of the run`;
  const message = `${who} has failed or is gone, and all have stopped; start all of them again with --resume (${said.slice(0, 300)})`;
  return new RunError({ code: 'PEER_LOST', message, cause });
}
