import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { program } from '../../src/cli/program.js';
import { packageFile } from '../../src/system/package-file.js';

const root = packageFile('.');
const files = [
  'README.md',
  'CONTRIBUTING.md',
  'deploy/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** `vau-rft` as it is called in code blocks. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/```(?:bash|sh)\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.split('\n'));
  return blocks.map((line) => line.replace(/\s+[#>].*$/, '').trim()).filter((line) => /^(npx )?vau-rft /.test(line));
}

/** As a shell splits it; names of things to be filled in stay words. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c!);

class Understood extends Error {}

/** What the command line says to it, without doing it. */
async function parse(args: string[]): Promise<void> {
  const cli = program(args).middleware(() => {
    throw new Understood();
  });
  await cli.parse();
}

describe.each(files)('%s', (file) => {
  const commands = commandsOf(read(file));

  it.runIf(commands.length > 0).each(commands)('%s', async (line) => {
    const args = wordsOf(line.replace(/^(npx )?vau-rft /, ''));
    await expect(parse(args)).rejects.toBeInstanceOf(Understood);
    for (const word of args.filter((arg) => /^(configs|data\/judge)\/.*\.yaml$/.test(arg)))
      expect(existsSync(join(root, word)), word).toBe(true);
  });

  it('links to what is there', () => {
    const text = read(file).replaceAll(/```[\s\S]*?```/g, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split('#');
      const linked = path === '' ? file : relative(root, join(root, dirname(file), path!));
      expect(existsSync(join(root, linked)), `${file} → ${target}`).toBe(true);
      if (anchor === undefined) continue;
      const anchors = [...read(linked).matchAll(/^#+ (.+)$/gm)].map(([, title]) => slug(title!));
      expect(anchors, `${file} → ${target}`).toContain(anchor);
    }
  });
});

describe('deploy', () => {
  const manifests = readdirSync(join(root, 'deploy', 'kubernetes')).map((name) => `deploy/kubernetes/${name}`);
  /** What containers of our image are started with, wherever it stands. */
  const startsIn = (node: unknown): string[][] => {
    if (Array.isArray(node)) return node.flatMap(startsIn);
    if (typeof node !== 'object' || node === null) return [];
    const { image, args, command } = node as { image?: string; args?: string[]; command?: string[] };
    const words = args ?? command;
    const own = image?.startsWith('vau-rft') && words ? [words] : [];
    return [...own, ...Object.values(node).flatMap(startsIn)];
  };
  const starts = ['deploy/compose.yaml', ...manifests].flatMap((file) =>
    parseAllDocuments(read(file), { merge: true }).flatMap((document) => {
      expect(document.errors, file).toEqual([]);
      return startsIn(document.toJS()).map((args) => [file, args] as const);
    }),
  );

  it('has images of ours in it', () => expect(starts.length).toBeGreaterThan(3));

  it.each(starts)('%s: %j', async (_, args) => {
    await expect(parse([...args])).rejects.toBeInstanceOf(Understood);
  });

  it.each(['cpu', 'cuda'])('%s.Dockerfile copies what there is', (name) => {
    const copied = [...read(`deploy/${name}.Dockerfile`).matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
    expect(copied.length).toBeGreaterThan(3);
    for (const file of copied.flatMap(([, files]) => files!.split(' ')))
      expect(existsSync(join(root, file)), file).toBe(true);
  });
});

/** As GitHub makes an anchor of a heading. */
const slug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
