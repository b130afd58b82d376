import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { folderWith } from '../folder.js';

const ROOT = join(import.meta.dirname, '..', '..');
const IMPORTS = ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'src'];
const UNUSED = ['node_modules/knip/bin/knip.js'];

/** Sources that keep to all rules. */
const CLEAN = {
  'src/cli/main.ts': "import { start } from '../trainer/start.js';\n\nstart();\n",
  'src/trainer/start.ts': "import { now } from '../system/now.js';\n\nexport const start = () => now();\n",
  'src/system/now.ts': 'export const now = () => 0;\n',
};

/** Runs a check on a project with our rules, these sources, and no more in its package.json than there is here. */
async function check(tool: string[], files: Record<string, string> = {}, dependencies: Record<string, string> = {}) {
  const folder = await folderWith();
  for (const name of ['.dependency-cruiser.mjs', 'knip.json', 'tsconfig.json'])
    await cp(join(ROOT, name), join(folder, name));
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const bare = { name: manifest.name, type: manifest.type, dependencies };
  for (const [name, text] of Object.entries({ ...CLEAN, 'package.json': JSON.stringify(bare), ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const run = promisify(execFile)(process.execPath, tool, { cwd: folder });
  return run.then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }) => ({ code, stdout }),
  );
}

describe('imports', () => {
  it('are fine where they follow the order of the folders', async () => {
    expect((await check(IMPORTS)).code).toBe(0);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'a circle',
      {
        'src/system/now.ts': "import './then.js';\nexport const now = 0;\n",
        'src/system/then.ts': "import './now.js';\n",
      },
      /circle/,
    ],
    [
      'a circle of types',
      {
        'src/system/now.ts': "import type { Then } from './then.js';\nexport type Now = Then[];\n",
        'src/system/then.ts': "import type { Now } from './now.js';\nexport type Then = Now[];\n",
      },
      /circle/,
    ],
    [
      'an import against the order',
      { 'src/system/now.ts': "import '../trainer/other.js';\n", 'src/trainer/other.ts': '' },
      /imports-what-comes-after/,
    ],
    ['a folder that has no place', { 'src/utils/now.ts': "import '../system/now.js';\n" }, /folder-without-a-place/],
    [
      'TensorFlow elsewhere',
      { 'src/policy/x.ts': "import '@tensorflow/tfjs-core';\n" },
      /tensorflow-outside-of-tensor/,
    ],
  ])('are refused: %s', async (_, files, message) => {
    const { code, stdout } = await check(IMPORTS, files);
    expect(code).not.toBe(0);
    expect(stdout).toMatch(message);
  });
});

describe('what nobody uses', () => {
  it('is not there', async () => {
    expect(await check(UNUSED)).toMatchObject({ code: 0 });
  });

  it.each<[string, Record<string, string>, Record<string, string>, RegExp]>([
    ['an export', { 'src/system/now.ts': 'export const now = () => 0;\nexport const never = 1;\n' }, {}, /never/],
    ['a file', { 'src/system/left.ts': 'export {};\n' }, {}, /src\/system\/left\.ts/],
    ['a dependency', {}, { zod: '*' }, /zod/],
  ])('is told: %s', async (_, files, dependencies, message) => {
    const { code, stdout } = await check(UNUSED, files, dependencies);
    expect(code).not.toBe(0);
    expect(stdout).toMatch(message);
  });
});
