import { mkdir } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { buildReport } from '../../report/build-report.js';
import type { Strip } from '../../report/frame-strip.js';
import { reportPage } from '../../report/report-page.js';
import { serveReport } from '../../report/report-server.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { formatBytes } from '../../system/bytes.js';
import { once } from '../../system/once.js';
import { stopSignals } from '../../system/stop-signals.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';

export interface ReportOptions {
  folders: string[];
  output?: string;
  watch: boolean;
  port: number;
}

const WATCHED_VIDEOS = 8;

/** Writes a report, or serves it until it is interrupted. @returns the exit code */
export async function reportCommand({ folders, output, watch, port }: ReportOptions): Promise<number> {
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const warn = once((message) => say(`warning: ${message}`));
  await ensureFfmpeg({ report: say });
  const strips = new Map<string, Strip>();
  const title = folders.map((folder) => path.basename(path.resolve(folder))).join(', ');
  // Beside a run that goes on a few videos are decoded at a time; each page has more of them.
  const most = watch ? WATCHED_VIDEOS : undefined;
  const make = async () => reportPage({ data: await buildReport({ folders, strips, most, warn }), title, watch });
  if (!watch) {
    const page = await make();
    const file = output ?? path.join(folders[0]!, 'report.html');
    await mkdir(path.dirname(file), { recursive: true });
    await writeAtomically({ file, text: page });
    say(`${file} (${formatBytes(Buffer.byteLength(page))})`);
    return 0;
  }
  // The run that is looked at goes first; so do the decoders of videos that are started from here.
  setPriority(constants.priority.PRIORITY_LOW);
  const { finish: signal } = stopSignals();
  const onListening = (own: number) => say(`http://127.0.0.1:${own}/ shows how it goes on; Ctrl-C ends it`);
  await serveReport({ folders, port, make, onListening, signal });
  return 0;
}
