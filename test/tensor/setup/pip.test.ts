import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { downloadWheels, findPip, type Pip } from '../../../src/tensor/setup/pip.js';
import { collected, emptyFolder, onlyThesePrograms } from './fakes.js';

const fails = (words: string) => `console.error(${JSON.stringify(words)}); process.exit(1);`;
const withoutPip = `if (args[0] === '-m') { ${fails('No module named pip')} }`;

describe('findPip', () => {
  it('takes the pip of python3, else of python', async () => {
    onlyThesePrograms({ python3: '', python: '' });
    expect(await findPip()).toEqual({ command: 'python3', args: ['-m', 'pip'], python: 'python3' });
    onlyThesePrograms({ python3: withoutPip, python: '' });
    expect(await findPip()).toEqual({ command: 'python', args: ['-m', 'pip'], python: 'python' });
  });

  it('takes a pip of its own, with the Python that is there', async () => {
    onlyThesePrograms({ python3: withoutPip, pip: '' });
    expect(await findPip()).toEqual({ command: 'pip', args: [], python: 'python3' });
  });

  it('names the remedy where there is none', async () => {
    onlyThesePrograms({ python3: withoutPip });
    await expect(findPip()).rejects.toMatchObject({
      code: 'PIP_MISSING',
      message: expect.stringMatching(/python3-pip/),
    });
    onlyThesePrograms({});
    await expect(findPip()).rejects.toMatchObject({ code: 'PIP_MISSING' });
  });
});

describe('downloadWheels', () => {
  const pip: Pip = { command: 'pip', args: [], python: 'python3' };
  const download = (folder: string) => {
    const requirements = ['tensorflow-cpu==2.21.0'];
    const platforms = ['manylinux_2_27_x86_64', 'manylinux2014_x86_64'];
    return downloadWheels({ pip, requirements, platforms, folder, report: collected().report });
  };

  it('asks for wheels of another Python and platform, and keeps pip out of other folders', async () => {
    const folder = join(emptyFolder(), 'wheels');
    const program = onlyThesePrograms({
      pip: `const dest = args[args.indexOf('--dest') + 1];
            fs.writeFileSync(dest + '/a.whl', 'wheel'); fs.writeFileSync(dest + '/a.txt', 'no wheel');
            fs.writeFileSync(__dirname + '/call.json', JSON.stringify({ args, tmp: process.env.TMPDIR }));`,
    });
    expect((await download(folder)).map((path) => basename(path))).toEqual(['a.whl']);
    const { args, tmp } = JSON.parse(readFileSync(join(program, 'call.json'), 'utf8')) as {
      args: string[];
      tmp: string;
    };
    const line = args.join(' ');
    expect(line).toMatch(/^download .*--no-deps --only-binary=:all: --python-version 3\.11/);
    expect(line).toContain('--platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64');
    expect(args.at(-1)).toBe('tensorflow-cpu==2.21.0');
    expect(tmp.startsWith(folder)).toBe(true);
    expect(existsSync(tmp)).toBe(true);
  });

  it('tells an index that cannot be reached from one that lacks the wheel', async () => {
    const none = 'ERROR: No matching distribution found for tensorflow-cpu==2.21.0';
    onlyThesePrograms({ pip: fails(`WARNING: Retrying (Retry(total=1)) after connection broken\n${none}`) });
    await expect(download(emptyFolder())).rejects.toMatchObject({
      code: 'INDEX_UNREACHABLE',
      message: expect.stringMatching(/PIP_INDEX_URL/),
    });
    onlyThesePrograms({ pip: fails(none) });
    const missing = { code: 'WHEEL_UNAVAILABLE', message: expect.stringMatching(/No matching distribution found/) };
    await expect(download(emptyFolder())).rejects.toMatchObject(missing);
  });
});
