import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../../system/tool.js';
import { downloadWheels, type Pip } from './pip.js';
import type { Target } from './target.js';
import { unpackWheel } from './unpack.js';

/**
 * The requirements of a wheel's extra `and-cuda`, from the text of its METADATA. Both of PyPI's notations are read:
 * `nvidia-nccl-cu12<3.0,>=2.27.7; extra == "and-cuda"` and `nvidia-nccl-cu12 (==2.16.5) ; extra == 'and-cuda'`.
 */
export const cudaRequirements = (metadata: string): string[] =>
  [...metadata.matchAll(/^Requires-Dist: *([^;\n]+);\s*extra == ['"]and-cuda['"]/gm)].map(([, requirement]) =>
    requirement!.replace(/[()\s]/g, ''),
  );

/**
 * Puts NVIDIA's libraries beside the `tensorflow` folder, as pip would in a Python environment: TensorFlow's own rpaths
 * lead there (`$ORIGIN/../nvidia/cublas/lib`).
 */
export const addCudaLibraries = async ({
  pip,
  target,
  metadataFolder,
  folder,
  wheels,
  report,
}: {
  pip: Pip;
  target: Target;
  /** Holds the TensorFlow wheel's `*.dist-info`. */
  metadataFolder: string;
  /** Holds `tensorflow`; gets `nvidia`. */
  folder: string;
  /** For the downloads; removed afterwards. */
  wheels: string;
  report: Report;
}): Promise<void> => {
  const info = (await readdir(metadataFolder)).find((name) => name.endsWith('.dist-info'))!;
  const requirements = cudaRequirements(await readFile(join(metadataFolder, info, 'METADATA'), 'utf8'));
  report(`TensorFlow: downloading ${requirements.length} nvidia wheels (about 2.7 GiB) with pip`);
  const files = await downloadWheels({ pip, requirements, platforms: target.wheelPlatforms, folder: wheels, report });
  report(`TensorFlow: unpacking ${files.length} nvidia wheels`);
  for (const wheel of files) {
    await unpackWheel({ pip, wheel, folder, prefixes: ['nvidia/'] });
    await rm(wheel);
  }
};
