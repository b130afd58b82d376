import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import yargs from 'yargs';
import { configPositional, setOption } from '../../src/cli/options.js';
import { program } from '../../src/cli/program.js';
import { packageFile } from '../../src/system/package-file.js';
import { folderWith } from '../folder.js';

afterEach(() => vi.restoreAllMocks());

/** What a command line prints to standard output. */
async function run(...args: string[]): Promise<string> {
  const printed: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(`${text}\n`));
  await program(args).parseAsync();
  return printed.join('');
}

describe('program', () => {
  it('shows its commands and its version', async () => {
    const help = await run('--help');
    for (const name of [
      'setup',
      'doctor',
      'train',
      'evaluate',
      'merge',
      'generate',
      'logprobs',
      'score',
      'dataset',
      'ablate',
      'schema',
    ])
      expect(help).toMatch(new RegExp(`^ +vau-rft ${name} .*[a-z]`, 'm'));
    const { version } = JSON.parse(await readFile(packageFile('package.json'), 'utf8')) as { version: string };
    expect(await run('--version')).toBe(`${version}\n`);
  });

  it('prints the schema', async () => {
    expect(await run('schema')).toBe(await readFile(packageFile('configs/schema.json'), 'utf8'));
  });

  it.each([
    [['schem'], 'Did you mean schema?'],
    [['zzzzzz'], 'Unknown argument: zzzzzz'],
    [['schema', '--colour'], 'Unknown argument: colour'],
    [['ablate'], 'Not enough non-option arguments'],
    [['ablate', 'x.yaml', '--parallel', '0'], '--parallel must be a whole number from 1'],
    [[], 'Name a command'],
  ])('refuses %j', async (args, message) => {
    const error = await run(...args).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2, message: expect.stringContaining(message) });
  });

  it('hands on what a command throws', async () => {
    await expect(run('ablate', 'nothing.yaml')).rejects.toMatchObject({ code: 'CONFIG_NOT_READABLE' });
  });

  it('lists what an ablation would run', async () => {
    const folder = await folderWith({ 'b.yaml': 'name: b\nmodel: {path: m}', 'a.yaml': 'base: b.yaml\nseeds: [1, 2]' });
    const listed = await run('ablate', `${folder}/a.yaml`, '--dry-run', '--set', 'grpo.beta=0');
    expect(listed.trim().split('\n')).toEqual([
      expect.stringMatching(
        /^seed-1 {2}to train {2}.* train .*b\.yaml --set grpo\.beta=0 --set seed=1 --set name=seed-1 /,
      ),
      expect.stringMatching(/^seed-2 {2}to train /),
      '2 of 2 runs to train, 2000 steps in all',
      expect.stringMatching(/^time: not known \(.*no model m/),
      'nothing is held out (data.eval): arms cannot be compared',
    ]);
  });
});

it('--set leaves the arguments after it alone', () => {
  const parse = (...args: string[]) =>
    yargs(args)
      .command('train <config>', '', (y) => y.positional('config', configPositional).option('set', setOption))
      .parseSync();
  expect(parse('train', '--set', 'a.b=1', 'c.yaml')).toMatchObject({ set: ['a.b=1'], config: 'c.yaml' });
  expect(parse('train', 'c.yaml', '--set', 'a=1', '--set=b=-2')).toMatchObject({ set: ['a=1', 'b=-2'] });
  expect(parse('train', 'c.yaml').set).toEqual([]);
});

it('--help loads nothing that takes long to load', async () => {
  const main = packageFile('src/cli/main.ts');
  // It waits for signals first, and then loads the rest.
  const rest = [...(await readFile(main, 'utf8')).matchAll(/import\('([^']+)'\)/g)].map(([, from]) => from!);
  const files = [main, ...rest.map((from) => resolve(dirname(main), from).replace(/\.js$/, '.ts'))];
  const packages = new Set((await Promise.all(files.map((file) => packagesOf(file)))).flatMap((found) => [...found]));
  expect([...packages].filter((name) => !name.startsWith('node:')).sort()).toEqual(['yargs']);
});

/** The packages that a file and all that it imports statically import; types do not count. */
async function packagesOf(file: string, seen = new Set<string>()): Promise<Set<string>> {
  const found = new Set<string>();
  if (seen.has(file)) return found;
  seen.add(file);
  const source = await readFile(file, 'utf8');
  for (const [, names, from] of source.matchAll(/^(?:import|export)\s+([^;]*?from\s+)?'([^']+)';/gm)) {
    if (/^type\s/.test(names ?? '')) continue;
    if (!from!.startsWith('.')) found.add(from!);
    else
      for (const name of await packagesOf(resolve(dirname(file), from!).replace(/\.js$/, '.ts'), seen)) found.add(name);
  }
  return found;
}
