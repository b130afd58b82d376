import type { Argv } from 'yargs';

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

/** What the commands take that look at files and, if they are named, at the videos too. */
export interface LookArguments {
  files: string[];
  videos: string | undefined;
  source: SourceChoice | undefined;
  classes: string | undefined;
  json: boolean;
}

export const lookOptions = (yargs: Argv): Argv<LookArguments> =>
  yargs
    .positional('files', filesPositional)
    .option('videos', {
      ...videosOption,
      describe: `${videosOption.describe}, which are looked into; left out, none is`,
    })
    .option('source', sourceOption)
    .option('classes', classesOption)
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON' });

/** The labels that are meant. */
export const labelsIn = (classes: string | undefined): string[] | undefined =>
  classes?.split(',').map((label) => label.trim());
