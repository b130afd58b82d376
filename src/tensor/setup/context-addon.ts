import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SetupError } from '../../system/errors.js';
import { packageFile } from '../../system/package-file.js';
import { type Report, runTool } from '../../system/tool.js';
import { nodeApiHeaders } from './binding-source.js';
import { buildBeside } from './build-beside.js';
import type { AddonLocation } from './find-addon.js';

const FLAGS = ['-fPIC', '-O2', '-std=c++17', '-w'];

/**
 * The addon by which TensorFlow's context is reached (`native/context`), to join other processes and to add functions: the one
 * that is there for these sources, else made now, in a few seconds.
 *
 * @throws SetupError `CLUSTER_IMPOSSIBLE` where TensorFlow's addon is not ours, or nothing can be compiled
 */
export async function ensureContextAddon({ addon, report }: { addon: AddonLocation; report: Report }): Promise<string> {
  const hindrance = clusterHindrance(addon);
  if (hindrance !== undefined) throw new SetupError({ code: 'CLUSTER_IMPOSSIBLE', message: hindrance });
  const folder = packageFile('native/context');
  const names = (await readdir(folder)).sort();
  const digest = createHash('sha256').update(JSON.stringify([FLAGS, names]));
  for (const name of names) digest.update(await readFile(join(folder, name)));
  const tensorflow = dirname(addon.addonPath);
  const file = join(tensorflow, `vau_rft_context-${digest.digest('hex').slice(0, 16)}.node`);
  if (existsSync(file)) return file;
  return buildBeside({
    addon,
    file,
    what: 'what reaches TensorFlow’s context',
    report,
    build: async ({ command, args, env }, { target, output }) => {
      const flags = ['-shared', ...FLAGS, '-DNAPI_VERSION=8', `-I${nodeApiHeaders()}`];
      const sources = names.filter((name) => name.endsWith('.cc')).map((name) => join(folder, name));
      const libraries = target.libraries.map((library) => join(tensorflow, library));
      const all = [...args, ...flags, ...sources, ...libraries, ...target.linkFlags, '-o', output];
      await runTool({ command, args: all, env });
    },
  });
}

/** Why processes cannot join each other by an addon; undefined where they can. */
export function clusterHindrance(addon: AddonLocation | null): string | undefined {
  if (addon === null) return 'several processes need TensorFlow, and it cannot be had here';
  if (addon.source === 'cache') return undefined;
  return 'the addon that npm has installed keeps TensorFlow’s context to itself, and several processes need it; `npx vau-rft setup` builds one that does not (remove @tensorflow/tfjs-node-gpu’s first)';
}
