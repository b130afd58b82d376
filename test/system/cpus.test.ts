import { describe, expect, it } from 'vitest';
import { usableCpus } from '../../src/system/cpus.js';

/** What a process sees: 64 CPUs that it may run on, its groups and their mounts, and files with quotas. */
const cpusOf = ({
  env = {},
  allowed = '0-63',
  cgroup = '0::/',
  mounts = ['30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate'],
  files = {},
}: {
  env?: NodeJS.ProcessEnv;
  allowed?: string;
  cgroup?: string;
  mounts?: string[];
  files?: Record<string, string>;
}): number => {
  const all: Record<string, string> = {
    '/proc/self/status': `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}\nMems_allowed:\t1\n`,
    '/proc/self/cgroup': `${cgroup}\n`,
    '/proc/self/mountinfo': `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n${mounts.join('\n')}\n`,
    ...files,
  };
  return usableCpus({ env, read: (file) => all[file] });
};

describe('the CPUs to use', () => {
  it('are those that the process may run on', () => {
    expect(cpusOf({})).toBe(64);
    expect(cpusOf({ allowed: '3' })).toBe(1);
    expect(cpusOf({ allowed: '0-3,8,62-63' })).toBe(7);
  });

  it('are as many as the user says, if that is a number of threads', () => {
    const quota = { '/sys/fs/cgroup/cpu.max': '200000 100000\n' };
    expect(cpusOf({ env: { TF_NUM_INTRAOP_THREADS: '5' }, files: quota })).toBe(5);
    for (const none of ['0', '-1', '', 'all', '1.5'])
      expect(cpusOf({ env: { TF_NUM_INTRAOP_THREADS: none }, files: quota })).toBe(2);
  });

  it('are no more than the quota of a container, which is the top of what it sees', () => {
    expect(cpusOf({ files: { '/sys/fs/cgroup/cpu.max': '200000 100000\n' } })).toBe(2);
    expect(cpusOf({ files: { '/sys/fs/cgroup/cpu.max': 'max 100000\n' } })).toBe(64);
    expect(cpusOf({ allowed: '0', files: { '/sys/fs/cgroup/cpu.max': '200000 100000\n' } })).toBe(1);
  });

  it.each([
    [10_000, 1],
    [140_000, 1],
    [150_000, 2],
    [290_000, 3],
  ])('are the nearest whole number to a quota of %d in 100000, and at least one', (quota, cpus) => {
    expect(cpusOf({ files: { '/sys/fs/cgroup/cpu.max': `${quota} 100000` } })).toBe(cpus);
  });

  it('are the fewest of a group and all above it', () => {
    const files = {
      '/sys/fs/cgroup/batch/cpu.max': '300000 50000\n',
      '/sys/fs/cgroup/batch/job:7/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/batch/job:7/step/cpu.max': '800000 100000\n',
      '/sys/fs/cgroup/batch/job:7/step/one/cpu.max': '400000 100000\n',
      '/sys/fs/cgroup/other/cpu.max': '100000 100000\n',
    };
    expect(cpusOf({ cgroup: '0::/batch/job:7/step', files })).toBe(6);
    expect(cpusOf({ cgroup: '0::/batch/job:7/step/one', files })).toBe(4);
    expect(cpusOf({ cgroup: '0::/', files })).toBe(64);
  });

  it('are told by the cpu controller of the first version, mounted with others or from a group on', () => {
    const quotas = (folder: string, quota: number) => ({
      [`${folder}/cpu.cfs_quota_us`]: `${quota}\n`,
      [`${folder}/cpu.cfs_period_us`]: '100000\n',
    });
    const cgroup = '5:cpuset:/docker/one\n4:cpu,cpuacct:/docker/one\n0::/';
    const mount = (root: string) => [
      `40 30 0:31 ${root} /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset`,
      `41 30 0:32 ${root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct`,
    ];
    const inside = quotas('/sys/fs/cgroup/cpu,cpuacct', 400_000);
    expect(cpusOf({ cgroup, mounts: mount('/docker/one'), files: inside })).toBe(4);
    const outside = quotas('/sys/fs/cgroup/cpu,cpuacct/docker/one', 300_000);
    expect(cpusOf({ cgroup, mounts: mount('/'), files: outside })).toBe(3);
    expect(cpusOf({ cgroup, mounts: mount('/'), files: quotas('/sys/fs/cgroup/cpu,cpuacct/docker/one', -1) })).toBe(64);
    // A group that is not below what is mounted, though its name begins alike.
    const wrong = quotas('/sys/fs/cgroup/cpu,cpuacct/e', 100_000);
    expect(cpusOf({ cgroup, mounts: mount('/docker/on'), files: { ...inside, ...wrong } })).toBe(4);
  });

  it('are some on any system', () => {
    expect(usableCpus({ env: {}, read: () => undefined })).toBeGreaterThan(0);
  });
});
