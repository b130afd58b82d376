import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { buildReport } from '../../report/build-report.js';
import { writeCompletionsTable } from '../../report/completions-table.js';
import { writeEvents } from '../../report/tensorboard.js';
import { runFiles } from '../../run/run-folder.js';
import { UsageError } from '../../system/errors.js';
import { once } from '../../system/once.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';

export interface ExportOptions {
  folders: string[];
  /** A folder; '': the run's own. */
  tensorboard?: string;
  parquet?: string;
}

/** Writes runs for others' tools. @throws {UsageError} `USAGE` */
export async function exportCommand({ folders, tensorboard, parquet }: ExportOptions): Promise<void> {
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  if (tensorboard === undefined && parquet === undefined)
    throw new UsageError({
      code: 'USAGE',
      message: 'say what is to be written: --tensorboard, --parquet FOLDER',
    });
  const names = folders.map((folder) => path.basename(path.resolve(folder)));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new UsageError({ code: 'USAGE', message: `two of the runs are called ${twice}; export them one by one` });
  const warn = once((message) => say(`warning: ${message}`));
  await ensureFfmpeg({ report: say });
  for (const [i, folder] of folders.entries()) {
    const name = names[i]!;
    if (tensorboard !== undefined) {
      const page = await buildReport({ folders: [folder], warn });
      if (page.ablation !== null) throw isAblation(folder);
      say(await writeEvents({ folder, page, into: tensorboard === '' ? folder : path.join(tensorboard, name) }));
    }
    if (parquet === undefined) continue;
    const file = path.join(parquet, `${name}.parquet`);
    await mkdir(parquet, { recursive: true });
    const rows = await writeCompletionsTable({ from: runFiles(folder).completions, file });
    say(`${file} (${rows} completions)`);
  }
}

function isAblation(folder: string): UsageError {
  const message = `${folder} holds an ablation: name the runs in it (${folder}/*/)`;
  return new UsageError({ code: 'USAGE', message });
}
