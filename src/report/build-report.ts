import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { verdictText } from '../ablation/compare-text.js';
import type { AblationRecord } from '../ablation/summary.js';
import { recordsByStep } from '../run/jsonl.js';
import { runFiles } from '../run/run-folder.js';
import { standardDeviation, sum } from '../statistics/moments.js';
import { usableCpus } from '../system/cpus.js';
import { fileExists } from '../system/file-exists.js';
import { groupBy } from '../system/group-by.js';
import type { Metrics } from '../trainer/metrics.js';
import { curvesOf, meanCurves } from './curves.js';
import { frameStrip, type Strip } from './frame-strip.js';
import type { PageAblation, PageData, PageGroup } from './page-data.js';
import { readPageRun } from './page-run.js';

/** Characters that all groups of a page may take, and all frames: a page stays below 5 MB. */
const ROOM = { groups: 1_800_000, frames: 2_200_000 };
/** Videos that are looked at. */
const VIDEOS = 160;

/**
 * Reads runs, or one ablation, for a page.
 *
 * @param strips frames that are known already, by video; new ones are added
 * @param most videos that are decoded for it, beside those that are known
 */
export async function buildReport(args: {
  folders: readonly string[];
  strips?: Map<string, Strip>;
  most?: number;
  warn: (message: string) => void;
}): Promise<PageData> {
  const { folders, strips = new Map(), most = VIDEOS, warn } = args;
  const ablation = folders.length === 1 ? await readAblationPage(folders[0]!) : null;
  const shown = ablation === null ? folders : ablation.shown;
  const runs: ReadRun[] = [];
  for (const folder of shown) runs.push(await readPageRun({ folder, room: ROOM.groups / shown.length, warn }));
  const wanted = await addStrips({ runs, strips, most, warn });
  return {
    // Of an ablation its arms have the curves.
    runs: runs.map(({ run }) => (ablation === null ? run : { ...run, curves: curvesOf([]) })),
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
  const groups = groupBy(done, ({ arm }) => arm);
  const arms = await Promise.all(
    [...groups].map(async ([label, runs]) => {
      const curves = runs.map(async ({ name }) => {
        const metrics = [...(await recordsByStep(runFiles(path.join(folder, name)).metrics)).values()] as Metrics[];
        return curvesOf(metrics);
      });
      return { label, curves: meanCurves(await Promise.all(curves)) };
    }),
  );
  const shown = [...groups.values()].map(([first]) => path.join(folder, first!.name));
  return { page: { record, verdicts: record.comparisons.map(verdictText), arms }, shown };
}

/**
 * Frames of the videos that groups are about, as far as there is room for them: those first whose completions differ most.
 *
 * @returns which these are
 */
async function addStrips(args: {
  runs: readonly ReadRun[];
  strips: Map<string, Strip>;
  most: number;
  warn: (message: string) => void;
}): Promise<Set<string>> {
  const { runs, strips, most, warn } = args;
  const shown = groupBy(
    runs.flatMap(({ run, videos, bounds }) =>
      run.groups.flatMap((group) =>
        group.video === null
          ? []
          : [{ name: group.video, visual: videos.get(group.video)!, bounds, worth: worthOf(group) }],
      ),
    ),
    ({ name }) => name,
  );
  const inOrder = [...shown.values()]
    .toSorted((a, b) => sum(b.map(({ worth }) => worth)) - sum(a.map(({ worth }) => worth)))
    .map(([first]) => first!)
    .slice(0, VIDEOS);
  const limit = pLimit(usableCpus());
  const open = inOrder.filter(({ name }) => !strips.has(name)).slice(0, most);
  await Promise.all(
    open.map(({ name, visual, bounds }) =>
      limit(async () => {
        try {
          strips.set(name, await frameStrip(visual, bounds, SIZE));
        } catch (error) {
          warn(`no frames of it on the page: ${(error as Error).message}`);
        }
      }),
    ),
  );
  let left = ROOM.frames;
  const fitting = inOrder.filter(({ name }) => {
    const strip = strips.get(name);
    left -= strip === undefined ? 0 : JSON.stringify(strip).length;
    return left >= 0;
  });
  return new Set(fitting.map(({ name }) => name));
}

/** A group is worth a look by how far its rewards lie apart, and a little by itself. */
const worthOf = ({ completions }: PageGroup): number =>
  0.1 + standardDeviation(completions.flatMap(({ reward }) => reward ?? []));

const SIZE = { frames: 8, pixels: 128 * 96 };
