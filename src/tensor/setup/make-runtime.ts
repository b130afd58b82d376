import { mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../system/bytes.js';
import { SetupError } from '../../system/errors.js';
import { type Report, ToolError } from '../../system/tool.js';
import { type BindingSource, bindingSource } from './binding-source.js';
import { type Compiler, compileAddon, fetchCompiler, localCompilers } from './compile.js';
import { addCudaLibraries } from './cuda.js';
import { type AddonLocation, runtimeFolder, runtimesFolder } from './find-addon.js';
import { writeManifest } from './manifest.js';
import { downloadWheels, findPip, type Pip } from './pip.js';
import { probeAddon } from './probe.js';
import { runtimeTarget, type Target } from './target.js';
import { unpackWheel } from './unpack.js';

/** What the addon's C++ includes of TensorFlow; the folders moved between releases. */
const HEADERS = ['tensorflow/c/', 'tensorflow/core/platform/ctstring', 'tsl/platform/ctstring', 'tsl/c/', 'xla/tsl/c/'];

/** Everything is made in here and renamed into place at the end. */
interface Workshop {
  folder: string;
  target: Target;
  pip: Pip;
  source: BindingSource;
  compilers: Compiler[];
  report: Report;
}

/**
 * Fetches TensorFlow, builds the addon against it, runs it, and puts both into the cache. The caller holds the lock.
 *
 * @throws SetupError if that cannot be done; the message says why and what helps.
 */
export const makeRuntime = async ({ cuda, report }: { cuda: boolean; report: Report }): Promise<AddonLocation> => {
  const target = runtimeTarget({ cuda });
  await removeLeftovers();
  const folder = await mkdtemp(join(runtimesFolder(), 'work-'));
  try {
    await checkSpace({ folder, target });
    // What may be missing is looked for before the long download.
    const pip = await findPip();
    const source = await bindingSource({ folder: join(folder, 'source'), report });
    const compilers = await localCompilers();
    const workshop = { folder, target, pip, source, compilers, report };
    if (compilers.length === 0) compilers.push(await compilerOfLastResort(workshop));
    return await makeNewestThatWorks(workshop);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** A killed setup leaves its folder; nobody else has one while we hold the lock. */
const removeLeftovers = async (): Promise<void> => {
  const names = await readdir(runtimesFolder());
  const leftovers = names.filter((name) => name.startsWith('work-'));
  await Promise.all(leftovers.map((name) => rm(join(runtimesFolder(), name), { recursive: true, force: true })));
};

const checkSpace = async ({ folder, target }: { folder: string; target: Target }): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= target.diskBytes) return;
  const need = `${runtimesFolder()} needs ${formatBytes(target.diskBytes)} of free space and has ${formatBytes(bavail * bsize)}`;
  const message = `${need}: free some, or set VAU_RFT_CACHE to a folder on a larger disk`;
  throw new SetupError({ code: 'DISK_FULL', message });
};

const compilerOfLastResort = ({ folder, pip, target, report }: Omit<Workshop, 'source' | 'compilers'>) =>
  fetchCompiler({ pip, target, folder: join(folder, 'compiler'), report });

/** An older release is tried where an index lacks the newer one, or the newer one does not run here. */
const makeNewestThatWorks = async (workshop: Workshop): Promise<AddonLocation> => {
  const failures: SetupError[] = [];
  for (const version of workshop.target.tensorflowVersions) {
    try {
      return await makeVersion(workshop, version);
    } catch (error) {
      if (!(error instanceof SetupError) || error.code === 'INDEX_UNREACHABLE') throw error;
      failures.push(error);
      workshop.report(`TensorFlow: ${version} cannot be used: ${error.message}`);
    }
  }
  throw failures[0]!;
};

const makeVersion = async (workshop: Workshop, version: string): Promise<AddonLocation> => {
  const { target, report } = workshop;
  const start = performance.now();
  const folder = join(workshop.folder, version);
  const tensorflow = join(folder, 'tensorflow');
  await fetchTensorflow(workshop, { version, folder });
  const addonPath = await build(workshop, tensorflow);
  await rm(join(tensorflow, 'include'), { recursive: true });
  report('TensorFlow: trying the addon in a process of its own');
  const { tensorflowVersion } = await probeAddon({ addonPath });
  await writeManifest({ folder, tensorflowVersion, addonPath });

  const place = runtimeFolder(target, version);
  await rename(place, join(workshop.folder, 'damaged')).catch(ignoreMissing);
  await rename(folder, place);
  report(`TensorFlow: ${tensorflowVersion} is ready in ${place} (${seconds(start)})`);
  return {
    addonPath: join(place, 'tensorflow', 'tfjs_binding.node'),
    tensorflowVersion,
    source: 'cache',
    cuda: target.cuda,
  };
};

/** Puts the libraries and headers of a release into `folder`/tensorflow, and what CUDA needs beside it. */
const fetchTensorflow = async (
  { folder: work, target, pip, report }: Workshop,
  { version, folder }: { version: string; folder: string },
): Promise<void> => {
  const requirement = `${target.distribution}==${version}`;
  const start = performance.now();
  report(`TensorFlow: downloading ${requirement} (${target.cuda ? 'about 550' : '200 to 270'} MiB) with pip`);
  const wheels = join(work, `wheels-${version}`);
  const metadata = join(work, `metadata-${version}`);
  const platforms = target.wheelPlatforms;
  const [wheel] = await downloadWheels({ pip, requirements: [requirement], platforms, folder: wheels, report });
  if (wheel === undefined) throw new ToolError({ message: `pip brought no ${requirement}` });
  report(`TensorFlow: unpacking ${formatBytes((await stat(wheel)).size)} (downloaded in ${seconds(start)})`);
  const members = [...target.libraries, ...HEADERS.map((path) => `include/${path}`)].map(
    (path) => `tensorflow/${path}`,
  );
  await unpackWheel({ pip, wheel, folder, prefixes: members });
  await unpackWheel({ pip, wheel, folder: metadata, prefixes: [`tensorflow-${version}.dist-info/METADATA`] });
  await rm(wheel);
  if (target.cuda) await addCudaLibraries({ pip, target, metadataFolder: metadata, folder, wheels, report });
};

/** With the machine's compilers in turn (one may be there without its C++ library), at last with a fetched one. */
const build = async (workshop: Workshop, tensorflow: string): Promise<string> => {
  const { compilers, source, target, report } = workshop;
  const attempt = (compiler: Compiler) => {
    report(`TensorFlow: building the addon with ${compiler.name}`);
    return compileAddon({ compiler, source, target, tensorflow });
  };
  for (const compiler of compilers) {
    try {
      return await attempt(compiler);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      report(`TensorFlow: ${error.message}`);
    }
  }
  return attempt(await compilerOfLastResort(workshop));
};

const seconds = (start: number): string => `${((performance.now() - start) / 1000).toFixed(0)} s`;

const ignoreMissing = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOENT') throw error;
};
