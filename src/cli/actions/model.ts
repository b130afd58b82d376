import { ensureModel } from '../../model-folder/model-folder.js';
import { createProgress, type Progress } from '../../run/progress.js';

const MIB = 2 ** 20;

/** The folder of a model; one of the hub is downloaded first, with a bar. Lines go to standard error. */
export async function bringModel(name: string): Promise<string> {
  const { view, stop } = downloadBar(name);
  try {
    return await ensureModel(name, view);
  } finally {
    stop();
  }
}

/** Shows a download in MiB, from its first byte on. */
export function downloadBar(name: string) {
  let progress: Progress | null = null;
  let total = 0;
  const stop = () => {
    progress?.stop();
    progress = null;
  };
  const onProgress = (done: number, of: number) => {
    if (of !== total) stop();
    total = of;
    if (progress === null) {
      progress = createProgress();
      progress.start(Math.ceil(of / MIB), `MiB of ${name}`, Math.floor(done / MIB));
    }
    progress.update(Math.ceil(done / MIB));
  };
  const report = (line: string) => void process.stderr.write(`${line}\n`);
  return { view: { onProgress, report }, stop };
}
