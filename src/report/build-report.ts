import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import type { AblationRecord } from '../ablation/summary.js';
import { recordsByStep } from '../run/jsonl.js';
import { runFiles } from '../run/run-folder.js';
import { usableCpus } from '../system/cpus.js';
import { fileExists } from '../system/file-exists.js';
import { groupBy } from '../system/group-by.js';
import type { Metrics } from '../trainer/metrics.js';
import { curvesOf, meanCurves } from './curves.js';
import { frameStrip, type Strip } from './frame-strip.js';
import type { PageAblation, PageData } from './page-data.js';
import { readPageRun } from './page-run.js';

/** Characters that all groups of a page may take, and videos that are shown: a page stays below 5 MB. */
const [ROOM, VIDEOS] = [1_800_000, 72];

/**
 * Reads runs, or one ablation, for a page.
 *
 * @param strips frames that are known already, by video; new ones are added
 */
export async function buildReport(args: {
  folders: readonly string[];
  strips?: Map<string, Strip>;
  warn: (message: string) => void;
}): Promise<PageData> {
  const { folders, strips = new Map(), warn } = args;
  const ablation = folders.length === 1 ? await readAblationPage(folders[0]!) : null;
  const shown = ablation === null ? folders : ablation.shown;
  const runs: ReadRun[] = [];
  for (const folder of shown) runs.push(await readPageRun({ folder, room: ROOM / shown.length, warn }));
  const wanted = await addStrips({ runs, strips, warn });
  return {
    runs: runs.map(({ run }) => run),
    strips: Object.fromEntries([...strips].filter(([video]) => wanted.has(video))),
    ablation: ablation?.page ?? null,
  };
}

type ReadRun = Awaited<ReturnType<typeof readPageRun>>;

/** An ablation's record and arms, and the runs of which groups are shown: the first of each arm. Null: it is none. */
async function readAblationPage(folder: string): Promise<{ page: PageAblation; shown: string[] } | null> {
  const file = path.join(folder, 'ablation.json');
  if (!(await fileExists(file))) return null;
  const record = JSON.parse(await readFile(file, 'utf8')) as AblationRecord;
  const done = record.runs.filter(({ step }) => step !== undefined);
  const groups = groupBy(done, ({ labels, control }) => JSON.stringify([labels, control]));
  const arms = await Promise.all(
    [...groups.values()].map(async (runs) => {
      const { labels, control } = runs[0]!;
      const curves = runs.map(async ({ name }) => {
        const metrics = [...(await recordsByStep(runFiles(path.join(folder, name)).metrics)).values()] as Metrics[];
        return curvesOf(metrics);
      });
      const label = labels.join(', ') + (control ? ', other seeds' : '');
      return { label, curves: meanCurves(await Promise.all(curves)) };
    }),
  );
  const shown = [...groups.values()].map(([first]) => path.join(folder, first!.name));
  return { page: { record, arms }, shown };
}

/** Frames of the videos that most groups are about, as far as there is room for them. @returns which these are */
async function addStrips(args: {
  runs: readonly ReadRun[];
  strips: Map<string, Strip>;
  warn: (message: string) => void;
}): Promise<Set<string>> {
  const { runs, strips, warn } = args;
  const shown = groupBy(
    runs.flatMap(({ run, videos, bounds }) =>
      run.groups.flatMap(({ video }) => (video === null ? [] : [{ name: video, visual: videos.get(video)!, bounds }])),
    ),
    ({ name }) => name,
  );
  const wanted = [...shown.values()].toSorted((a, b) => b.length - a.length).slice(0, VIDEOS);
  const limit = pLimit(usableCpus());
  await Promise.all(
    wanted.map(([first]) =>
      limit(async () => {
        const { name, visual, bounds } = first!;
        if (strips.has(name)) return;
        try {
          strips.set(name, await frameStrip(visual, bounds, SIZE));
        } catch (error) {
          warn(`no frames of it on the page: ${(error as Error).message}`);
        }
      }),
    ),
  );
  return new Set(wanted.map(([first]) => first!.name));
}

const SIZE = { frames: 8, pixels: 128 * 96 };
