import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SetupError } from '../../system/errors.js';
import { packageFile } from '../../system/package-file.js';
import { putInPlace } from '../../system/put-in-place.js';
import { type Report, runTool } from '../../system/tool.js';
import { withLock } from '../../system/with-lock.js';
import { nodeApiHeaders } from './binding-source.js';
import { type Compiler, withFirstCompiler } from './compile.js';
import { type AddonLocation, runtimesFolder } from './find-addon.js';
import { runtimeTarget } from './target.js';

const FLAGS = ['-fPIC', '-O2', '-std=c++17', '-w'];

/**
 * The addon by which processes join each other (`native/cluster`): the one that is there for this source, else made now,
 * in a few seconds.
 *
 * @throws SetupError `CLUSTER_IMPOSSIBLE` where TensorFlow's addon is not ours, or nothing can be compiled
 */
export async function ensureCluster({ addon, report }: { addon: AddonLocation; report: Report }): Promise<string> {
  const hindrance = clusterHindrance(addon);
  if (hindrance !== undefined) throw new SetupError({ code: 'CLUSTER_IMPOSSIBLE', message: hindrance });
  const source = packageFile('native/cluster/cluster.cc');
  const digest = createHash('sha256')
    .update(JSON.stringify(FLAGS))
    .update(await readFile(source));
  const file = join(dirname(addon.addonPath), `vau_rft_cluster-${digest.digest('hex').slice(0, 16)}.node`);
  if (existsSync(file)) return file;
  return withLock({
    file: join(runtimesFolder(), 'lock'),
    waiting: () => report('TensorFlow: another process is building; waiting for it'),
    task: async () => {
      if (!existsSync(file)) await makeCluster({ addon, source, file, report });
      return file;
    },
  });
}

async function makeCluster(args: {
  addon: AddonLocation;
  source: string;
  file: string;
  report: Report;
}): Promise<void> {
  const { addon, source, file, report } = args;
  const folder = await mkdtemp(join(runtimesFolder(), 'work-'));
  const tensorflow = dirname(addon.addonPath);
  const target = runtimeTarget({ cuda: addon.cuda });
  // Beside the addon, since it finds TensorFlow's libraries from where it lies.
  const output = join(tensorflow, `${basename(folder)}.node`);
  const libraries = target.libraries.map((library) => join(tensorflow, library));
  const build = async ({ name, command, args: own, env }: Compiler) => {
    report(`TensorFlow: building what joins processes with ${name}`);
    const flags = ['-shared', ...FLAGS, '-DNAPI_VERSION=8', `-I${nodeApiHeaders()}`];
    await runTool({ command, args: [...own, ...flags, source, ...libraries, ...target.linkFlags, '-o', output], env });
  };
  try {
    await putInPlace({ place: file, beside: output, make: () => withFirstCompiler({ folder, target, report, build }) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Why processes cannot join each other by an addon; undefined where they can. */
export function clusterHindrance(addon: AddonLocation | null): string | undefined {
  if (addon === null) return 'several processes need TensorFlow, and it cannot be had here';
  if (addon.source === 'cache') return undefined;
  return 'the addon that npm has installed keeps TensorFlow’s context to itself, and several processes need it; `npx vau-rft setup` builds one that does not (remove @tensorflow/tfjs-node-gpu’s first)';
}
