import { describe, expect, it, vi } from 'vitest';
import { fetchCompiler, localCompilers } from '../../../src/tensor/setup/compile.js';
import { runtimeTarget } from '../../../src/tensor/setup/target.js';
import { collected, emptyFolder, onlyThesePrograms } from './fakes.js';

describe('localCompilers', () => {
  it('lists those that answer, the one of CXX first', async () => {
    onlyThesePrograms({ 'g++': '', 'clang++': 'process.exit(1)', ccache: `process.exit(args[0] === 'mycxx' ? 0 : 1)` });
    expect((await localCompilers()).map(({ name }) => name)).toEqual(['g++']);
    vi.stubEnv('CXX', 'ccache mycxx');
    expect((await localCompilers())[0]).toMatchObject({ command: 'ccache', args: ['mycxx'] });
  });

  it('lists none where there is none', async () => {
    onlyThesePrograms({});
    expect(await localCompilers()).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('fetchCompiler', () => {
  it('says how to install one where none can be fetched', async () => {
    onlyThesePrograms({ pip: `console.error('ERROR: No matching distribution found'); process.exit(1)` });
    const pip = { command: 'pip', args: [], python: 'python3' };
    const target = runtimeTarget({ cuda: false });
    const { lines, report } = collected();
    const fetched = fetchCompiler({ pip, target, folder: emptyFolder(), report });
    await expect(fetched).rejects.toMatchObject({
      code: 'COMPILER_MISSING',
      message: expect.stringMatching(/sudo apt install g\+\+/),
    });
    expect(lines).toEqual([expect.stringContaining('ziglang')]);
  });
});
