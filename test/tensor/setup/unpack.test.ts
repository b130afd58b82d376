import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ToolError } from '../../../src/system/tool.js';
import { unpackWheel } from '../../../src/tensor/setup/unpack.js';
import { emptyFolder } from './fakes.js';

const python = ['python3', 'python'].find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

const WRITE = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('tensorflow/lib.so', 'library ' * 1000)
    z.writestr('tensorflow/python/big.so', 'not wanted')
    z.writestr('../escaped', 'out')
    tool = zipfile.ZipInfo('tensorflow/bin/ptxas'); tool.external_attr = 0o100755 << 16
    z.writestr(tool, 'a program')
`;

describe.skipIf(python === undefined)('unpackWheel', () => {
  const pip = { command: python!, args: ['-m', 'pip'], python: python! };
  const wheelIn = (folder: string) => {
    const wheel = join(folder, 'x.whl');
    execFileSync(python!, ['-c', WRITE, wheel]);
    return wheel;
  };

  it('takes what it is asked for, keeps programs executable, and lets nothing out of the folder', async () => {
    const parent = emptyFolder();
    const folder = join(parent, 'in');
    await unpackWheel({ pip, wheel: wheelIn(parent), folder, prefixes: ['tensorflow/lib', 'tensorflow/bin/', '../'] });
    expect(readFileSync(join(folder, 'tensorflow', 'lib.so'), 'utf8')).toBe('library '.repeat(1000));
    expect(existsSync(join(folder, 'tensorflow', 'python'))).toBe(false);
    expect(statSync(join(folder, 'tensorflow', 'bin', 'ptxas')).mode & 0o111).toBe(0o111);
    expect(statSync(join(folder, 'tensorflow', 'lib.so')).mode & 0o111).toBe(0);
    expect(existsSync(join(parent, 'escaped'))).toBe(false);
  });

  it('fails on a damaged archive', async () => {
    const folder = emptyFolder();
    const wheel = wheelIn(folder);
    const bytes = readFileSync(wheel);
    bytes.fill(0, 40, 60);
    writeFileSync(wheel, bytes);
    await expect(unpackWheel({ pip, wheel, folder, prefixes: [''] })).rejects.toBeInstanceOf(ToolError);
    writeFileSync(wheel, bytes.subarray(0, 100));
    await expect(unpackWheel({ pip, wheel, folder, prefixes: [''] })).rejects.toBeInstanceOf(ToolError);
  });
});
