import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { folderWith as emptyFolder } from '../folder.js';

/** A folder of its own for a test, with these files in it, in folders of theirs. */
export async function folderWith(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await emptyFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** A file of its own for a test. */
export const fileWith = async (name: string, content: string | Uint8Array): Promise<string> =>
  join(await folderWith({ [name]: content }), name);

/** The columns. */
export const HEADER =
  'Video Name,Question,Option 1,Option 2,Option 3,Option 4,Correct Option,Key Object,Description,Reasoning,Anomaly Class,Start Time,End Time';

interface Cells {
  video?: string;
  question?: string;
  options?: string;
  answer?: string;
  description?: string;
  reasoning?: string;
  label?: string;
  times?: string;
}

/** A row of VAU-Bench; cells are CSV already. */
export const vauBenchRow = ({
  video = 'a.mp4',
  question = 'What happens?',
  options = 'a fight,a fire,a fall,nothing',
  answer = 'A',
  description = 'Two men fight.',
  reasoning = 'They hit each other.',
  label = 'Fighting',
  times = '1.5,4.0',
}: Cells): string => `${video},${question},${options},${answer},man,${description},${reasoning},${label},${times}`;

/** The text of a VAU-Bench file. */
export const vauBench = (rows: (string | Cells)[], { eol = '\n', header = HEADER } = {}): string =>
  [header, ...rows.map((row) => (typeof row === 'string' ? row : vauBenchRow(row)))]
    .map((row) => `${row}${eol}`)
    .join('');
