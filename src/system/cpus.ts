import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** The text of a file of the system; undefined where there is none. */
type Read = (file: string) => string | undefined;

/**
 * How many CPUs to keep busy, at least one: what the user says (`TF_NUM_INTRAOP_THREADS`, TensorFlow's variable), else as
 * many as the process may run on, or fewer where a container's quota is less.
 */
export function usableCpus({
  env = process.env,
  read = readSystemFile,
}: {
  env?: NodeJS.ProcessEnv;
  read?: Read;
} = {}): number {
  const wanted = Number(env.TF_NUM_INTRAOP_THREADS);
  if (Number.isInteger(wanted) && wanted > 0) return wanted;
  return Math.max(1, Math.min(affinity(read), Math.round(cpuQuota(read))));
}

/** Not Node's number on Linux: later versions take a part of a quota for none, and one below a whole CPU for no quota. */
function affinity(read: Read): number {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status') ?? '')?.[1];
  if (list === undefined) return availableParallelism();
  return list.split(',').reduce((count, range) => {
    const [first, last = first] = range.split('-').map(Number);
    return count + last! - first! + 1;
  }, 0);
}

/**
 * The time on CPUs that the control groups of this process give it in a second of the clock, in seconds: the least of its
 * own group and those above, in the unified hierarchy and that of the `cpu` controller. Infinity without a quota.
 */
function cpuQuota(read: Read): number {
  const mounts = linesOf(read('/proc/self/mountinfo')).map(parseMount);
  const groups = linesOf(read('/proc/self/cgroup')).map(parseGroup);
  const folders = groups.flatMap(({ controllers, path }) => {
    const mount = mounts.find(({ type, options }) =>
      controllers === '' ? type === 'cgroup2' : type === 'cgroup' && hasCpu(controllers) && hasCpu(options),
    );
    return mount === undefined ? [] : foldersOf({ ...mount, path });
  });
  return Math.min(...folders.map((folder) => quotaIn(folder, read)));
}

const linesOf = (text = ''): string[] => text.split('\n').filter((line) => line !== '');

const hasCpu = (list: string): boolean => list.split(',').includes('cpu');

/** `ID:CONTROLLERS:PATH`, without controllers in the unified hierarchy. */
function parseGroup(line: string): { controllers: string; path: string } {
  const [, controllers = '', ...path] = line.split(':');
  return { controllers, path: path.join(':') };
}

/** `ID PARENT DEVICE ROOT POINT OPTIONS… - TYPE SOURCE OPTIONS`; what is mounted is the hierarchy from ROOT on. */
function parseMount(line: string): { root: string; point: string; type: string; options: string } {
  const [place = '', kind = ''] = line.split(' - ');
  const [, , , root = '', point = ''] = place.split(' ');
  const [type = '', , options = ''] = kind.split(' ');
  return { root, point, type, options };
}

/** Of a group and those above it, as far as they are mounted: in a container that may be its own alone. */
function foldersOf({ root, point, path }: { root: string; point: string; path: string }): string[] {
  const top = join(root, '/');
  const names = path.startsWith(top) ? path.slice(top.length).split('/') : [];
  return [point, ...names.map((_, i) => join(point, ...names.slice(0, i + 1)))];
}

function quotaIn(folder: string, read: Read): number {
  const unified = read(join(folder, 'cpu.max'))?.split(' ');
  const [quota, period] = unified ?? ['quota', 'period'].map((name) => read(join(folder, `cpu.cfs_${name}_us`)));
  const cpus = Number(quota) / Number(period);
  // `max`, −1, or no files: the top of a hierarchy has none.
  return cpus > 0 ? cpus : Number.POSITIVE_INFINITY;
}

function readSystemFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
