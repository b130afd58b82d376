import { describe, expect, it } from 'vitest';
import { runTool, ToolError, toolWorks } from '../../src/system/tool.js';

const node = (script: string, timeout?: number) =>
  runTool({ command: process.execPath, args: ['-e', script], timeout }).then(
    (stdout) => ({ stdout, error: undefined }),
    (error: ToolError) => ({ stdout: undefined, error }),
  );

describe('runTool', () => {
  it('gives what the tool printed', async () => {
    expect(await node('console.log(40 + 2)')).toEqual({ stdout: '42\n', error: undefined });
  });

  it('names the last line with an error in it, for tools that write pages', async () => {
    const { error } = await node(`console.error('ERROR: no such wheel\\nhint: see the manual\\n'); process.exit(3)`);
    expect(error).toBeInstanceOf(ToolError);
    expect(error?.message).toBe(`${process.execPath}: ERROR: no such wheel`);
  });

  it('names the exit code of a silent tool, and the signal that killed it', async () => {
    expect((await node('process.exit(3)')).error?.message).toContain('exit code 3');
    expect((await node(`process.kill(process.pid, 'SIGKILL')`)).error?.signal).toBe('SIGKILL');
  });

  it('kills a tool that hangs', async () => {
    const { error } = await node('setInterval(() => {}, 1000)', 200);
    expect(error?.signal).toBe('SIGKILL');
  });

  it('says that a tool is not there', async () => {
    await expect(runTool({ command: 'no-such-tool', args: [] })).rejects.toMatchObject({ missing: true });
    expect(await toolWorks('no-such-tool', [])).toBe(false);
    expect(await toolWorks(process.execPath, ['--version'])).toBe(true);
  });
});
