import { readFile, writeFile } from 'node:fs/promises';
import { FAMILIES } from '../src/policy/families/index.js';
import { projectFile } from './contenders.js';

/** A table of its own for each command, family but the first, and what it was held to: `bench`, `bench qwen3_vl avx2`. */
export const sectionName = ({ command, family, isa }: { command: string; family: string; isa?: string }): string =>
  [command, ...(family === FAMILIES[0]!.modelType ? [] : [family]), ...(isa === undefined ? [] : [isa])].join(' ');

/**
 * `text` with `body` between the lines `<!-- NAME: … -->` and `<!-- /NAME -->`.
 *
 * @throws Error where these are not there
 */
export function replaceSection(args: { text: string; name: string; body: string }): string {
  const { text, name, body } = args;
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => line.startsWith(`<!-- ${name}: `) && line.endsWith(' -->'));
  const end = lines.indexOf(`<!-- /${name} -->`);
  if (begin < 0 || end < begin) throw new Error(`there are no lines <!-- ${name}: … --> and <!-- /${name} -->`);
  return [...lines.slice(0, begin + 1), '', body, '', ...lines.slice(end)].join('\n');
}

/** Puts a command's tables into `docs/performance.md`. */
export async function writeSection(section: { name: string; body: string }): Promise<void> {
  const file = projectFile('docs/performance.md');
  await writeFile(file, replaceSection({ text: await readFile(file, 'utf8'), ...section }));
}
