/** Ports from here on, one for each task of a node. */
const FIRST_PORT = 29_500;

/**
 * The processes of a Slurm step, by rank, from its variables: `SLURM_STEP_NODELIST` (`node[01-03,7]`) and
 * `SLURM_STEP_TASKS_PER_NODE` (`2(x3),1`). Undefined: this is no step of Slurm's.
 */
export function slurmHosts(env: NodeJS.ProcessEnv): string[] | undefined {
  const list = env.SLURM_STEP_NODELIST ?? env.SLURM_JOB_NODELIST;
  const tasks = env.SLURM_STEP_TASKS_PER_NODE ?? env.SLURM_TASKS_PER_NODE;
  if (list === undefined || tasks === undefined) return undefined;
  const nodes = expandNodes(list);
  const counts = tasks.split(',').flatMap((part) => {
    const [, count, times = '1'] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    return Array<number>(Number(times)).fill(Number(count));
  });
  return nodes.flatMap((node, i) =>
    Array.from({ length: counts[i] ?? 0 }, (_, task) => `${node}:${FIRST_PORT + task}`),
  );
}

/** `a[1-2,05],b` → `a1 a2 a05 b`; numbers keep their zeros. */
function expandNodes(list: string): string[] {
  return list.match(/[^,[]+(?:\[[^\]]*\])?[^,]*/g)!.flatMap((part) => {
    const [, before, ranges, after] = /^([^[]*)\[([^\]]*)\](.*)$/.exec(part) ?? [];
    if (ranges === undefined) return [part];
    return ranges.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-');
      return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => {
        const number = String(Number(first) + i).padStart(first!.length, '0');
        return `${before}${number}${after}`;
      });
    });
  });
}
