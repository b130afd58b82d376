/** Options of the commands that read annotation files. */

/** As in `dataset/read.ts`, which is not loaded for `--help`. */
export const SOURCE_CHOICES = ['vau-bench', 'jsonl', 'parquet', 'hivau', 'vad-reasoning'] as const;
export type SourceChoice = (typeof SOURCE_CHOICES)[number];

export const filesPositional = {
  type: 'string',
  array: true,
  demandOption: true,
  describe: 'Annotation files',
} as const;

export const sourceOption = {
  choices: SOURCE_CHOICES,
  describe: 'The format; left out, what the file’s name says: jsonl, parquet, else vau-bench',
} as const;

export const classesOption = {
  type: 'string',
  describe: 'The labels, with commas between; left out, those of VAU-Bench',
} as const;

export const videosOption = { type: 'string', describe: 'The folder of the videos' } as const;

/** The labels that are meant. */
export const labelsIn = (classes: string | undefined): string[] | undefined =>
  classes?.split(',').map((label) => label.trim());
