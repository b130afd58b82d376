import { z } from 'zod';
import type { Annotation, AnnotationFile, Part } from './annotation.js';
import { classOf, NORMAL_CLASS } from './classes.js';
import { refuseWholeJson } from './json-text.js';
import { parseObject } from './jsonl.js';
import { LeftOutRows } from './left-out.js';
import type { Segment } from './sample.js';
import { filledLines, readTextFile } from './text-file.js';
import { usableText } from './unused.js';

const rowSchema = z.object({
  video: z.string().min(1),
  path: z.string().optional(),
  anomaly_type: z.string().optional(),
  /** Of Vad-Reasoning-RL: `Abnormal` or `Normal`. */
  label: z.string().optional(),
  think: z.string().optional(),
  answer: z.string().optional(),
  start: z.unknown().optional(),
  end: z.unknown().optional(),
});

/**
 * Reads Vad-Reasoning (Vad-R1): JSON lines with `video`, `anomaly_type`, `think`, `answer`, and the times of the anomaly.
 * Their unit is not stated (its models answer in parts of the video), so that an abnormal video's segment stays unknown;
 * that of a normal one is known. `answer` becomes the description, `think` the reasoning, without their tags.
 *
 * @throws DataError when the file cannot be read
 */
export async function readVadReasoning({
  file,
  classes,
}: {
  file: string;
  classes: readonly string[];
}): Promise<AnnotationFile> {
  const text = await readTextFile(file);
  refuseWholeJson({ file, text });
  const lines = filledLines(text);
  const leftOut = new LeftOutRows();
  const unused = new LeftOutRows();
  const annotations = lines.flatMap(({ row, line }): Annotation[] => {
    const parsed = parseObject(line);
    const record = 'record' in parsed ? rowSchema.safeParse(parsed.record) : undefined;
    if (record?.success) return [annotationOf({ row, record: record.data, classes, unused })];
    leftOut.add({ reason: 'problem' in parsed ? parsed.problem : 'no “video”, or a field of the wrong form', row });
    return [];
  });
  return { file, rows: lines.length, annotations, leftOut: leftOut.list(), unused: unused.list() };
}

function annotationOf(args: {
  row: number;
  record: z.output<typeof rowSchema>;
  classes: readonly string[];
  unused: LeftOutRows;
}): Annotation {
  const { row, record, classes, unused } = args;
  const { video, path, anomaly_type = '', label = '', think, answer, start, end } = record;
  const isNormal = /^normal/i.test(anomaly_type || label);
  if (!isNormal && (start !== undefined || end !== undefined))
    unused.add({ reason: '“start” and “end”, whose unit is not stated', row });
  const said = (what: string, text: string | undefined) =>
    usableText({ what, text: text?.replace(/<\/?\w+>/g, '').trim(), row, unused });
  const segment: Part<Segment> = { value: { kind: isNormal ? 'normal' : 'unknown' } };
  return {
    line: row,
    visuals: [{ kind: 'video', name: path?.split(/[\\/]/).at(-1) || video }],
    choice: { absent: 'no question' },
    segment,
    class: isNormal ? { value: NORMAL_CLASS } : classOf({ label: anomaly_type, classes }),
    description: said('“answer”', answer),
    reasoning: said('“think”', think),
  };
}
