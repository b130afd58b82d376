import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { readRecords, recordsByStep } from '../run/jsonl.js';
import { runFiles } from '../run/run-folder.js';
import { writeAtomically } from '../system/atomic-write.js';
import { eventFile, type StepSummary, type SummaryValue } from './event-file.js';
import type { Strip } from './frame-strip.js';
import type { PageData, PageGroup } from './page-data.js';

/** Groups that are told in words and pictures. */
const GROUPS = 24;

/**
 * Writes a run as an event file: metrics and held-out metrics as scalars, some groups as texts, their videos as pictures.
 * It is made anew of the run's records each time, so that a run that was resumed is one line, not two.
 *
 * @param page the run's, with the strips of its videos
 * @returns the file
 */
export async function writeEvents(args: { folder: string; page: PageData; into: string }): Promise<string> {
  const { folder, page, into } = args;
  const files = runFiles(folder);
  const began = (await stat(files.config)).birthtimeMs / 1000;
  const byStep = new Map<number, StepSummary & { values: SummaryValue[] }>();
  let time = began;
  await readRecords(files.metrics, ({ step, ...metrics }) => {
    // When each step was is not recorded; how long it took is.
    time += Number(metrics['time/step_s'] ?? 0);
    byStep.set(step, { step, time, values: scalars(metrics, 'train') });
  });
  const at = (step: number) => {
    const known = byStep.get(step) ?? { step, time, values: [] };
    byStep.set(step, known);
    return known.values;
  };
  for (const { step, ...metrics } of (await recordsByStep(files.evaluations)).values())
    at(step).push(...scalars(metrics, 'eval'));
  const groups = page.runs.flatMap((run) => run.groups);
  const every = Math.max(1, Math.floor(groups.length / GROUPS));
  for (const group of groups.filter((_, i) => i % every === 0).slice(0, GROUPS)) {
    const name = `${group.task}/${group.id}`;
    at(group.step).push({ tag: `completions/${name}`, text: groupText(group) });
    const strip = group.video === null ? undefined : page.strips[group.video];
    if (strip !== undefined) at(group.step).push({ tag: `frames/${name}`, image: await onePicture(strip) });
  }
  const steps = [...byStep.values()].toSorted((a, b) => a.step - b.step);
  await mkdir(into, { recursive: true });
  const file = path.join(into, `events.out.tfevents.${Math.floor(began)}.vau-rft`);
  await writeAtomically({ file, text: eventFile(steps) });
  return file;
}

const scalars = (metrics: Record<string, unknown>, name: string): SummaryValue[] =>
  Object.entries(metrics).flatMap(([key, value]) =>
    typeof value === 'number' ? [{ tag: `${name}/${key}`, scalar: value }] : [],
  );

/** Markdown, as the text plugin shows it; what a model says is indented, and so no markup. */
function groupText({ question, truth, completions }: PageGroup): string {
  const indented = (text: string) => text.replaceAll(/^/gm, '    ');
  const annotated = truth.map(([name, text]) => `${name}: ${text}`).join('\n');
  const said = completions.map(
    ({ text, reward, advantage }) => `reward ${reward ?? '–'}, advantage ${advantage ?? '–'}\n\n${indented(text)}`,
  );
  return [indented([question ?? '', annotated].join('\n').trim()), ...said].join('\n\n');
}

/** The frames side by side. */
async function onePicture({ frames }: Strip): Promise<{ width: number; height: number; encoded: Uint8Array }> {
  const pictures = frames.map(({ url }) => Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
  const { width = 1, height = 1 } = await sharp(pictures[0]).metadata();
  const whole = sharp({
    create: { width: width * pictures.length, height, channels: 3, background: '#000' },
  }).composite(pictures.map((input, i) => ({ input, left: i * width, top: 0 })));
  return { width: width * pictures.length, height, encoded: await whole.png().toBuffer() };
}
