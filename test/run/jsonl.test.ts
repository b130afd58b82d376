import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JsonLines, recordsByStep, truncateAfterStep } from '../../src/run/jsonl.js';
import { folderWith } from '../folder.js';

async function write(file: string, records: object[]): Promise<void> {
  const lines = await JsonLines.open(file);
  await lines.append(records);
  await lines.sync();
  await lines.close();
}

describe('JsonLines', () => {
  it('writes a line a record, numbers as pure functions of their value', async () => {
    const file = join(await folderWith(), 'a.jsonl');
    await write(file, [{ step: 1, a: 0.1 + 0.2, b: Number.NaN, c: -Infinity, d: -0, e: 1e21 }]);
    await write(file, [
      { step: 2, ids: Int32Array.of(1, 2), p: Float32Array.of(0.5, Number.NaN), x: undefined },
      { step: 3 },
    ]);
    expect(await readFile(file, 'utf8')).toBe(
      '{"step":1,"a":0.30000000000000004,"b":null,"c":null,"d":0,"e":1e+21}\n{"step":2,"ids":[1,2],"p":[0.5,null]}\n{"step":3}\n',
    );
  });
});

describe('truncateAfterStep', () => {
  /** Two lines a step, some longer than the chunks in which the file is read. */
  const records = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap((step) => [
      { step, text: 'é\n'.repeat(step === 2 ? 50_000 : 3) },
      { step, n: 1 / step },
    ]);

  it.each(['', '{"step":5,"te', '{"step":1}', '\0\0\0\n', '{"step":null}\n[]\n'])(
    'makes a killed and resumed file that of a whole run (torn: %j)',
    async (torn) => {
      const folder = await folderWith();
      const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
      await write(whole, records(1, 7));
      await write(killed, records(1, 5));
      await appendFile(killed, torn);
      expect(await truncateAfterStep({ file: killed, step: 3, expected: 6 })).toEqual({ count: 6, damaged: [] });
      await write(killed, records(4, 7));
      expect((await readFile(killed)).equals(await readFile(whole))).toBe(true);
      expect(await readdir(folder)).toEqual(['killed', 'whole']);
    },
  );

  it('reads more lines than one chunk holds', async () => {
    const file = join(await folderWith(), 'a.jsonl');
    // Lines of 16 bytes, so that chunks end where lines end.
    await write(
      file,
      Array.from({ length: 9000 }, (_, i) => ({ step: 100_000 + i })),
    );
    expect(await truncateAfterStep({ file, step: 200_000 })).toEqual({ count: 9000, damaged: [] });
    await appendFile(file, '{"step":109000');
    expect(await truncateAfterStep({ file, step: 108_998 })).toEqual({ count: 8999, damaged: [] });
    expect((await stat(file)).size).toBe(8999 * 16);
  });

  it('cuts nothing but what comes after the step', async () => {
    const folder = await folderWith();
    const file = join(folder, 'a.jsonl');
    expect(await truncateAfterStep({ file, step: 3 })).toEqual({ count: 0, damaged: [] });
    expect(await readdir(folder)).toEqual([]);
    await write(file, records(1, 3));
    const text = await readFile(file, 'utf8');
    await truncateAfterStep({ file, step: 3 });
    expect(await readFile(file, 'utf8')).toBe(text);
    await writeFile(file, '{"step":1}\n{"step":2}');
    await truncateAfterStep({ file, step: 3 });
    expect(await readFile(file, 'utf8')).toBe('{"step":1}\n');
    await truncateAfterStep({ file, step: 0 });
    expect(await readFile(file, 'utf8')).toBe('');
  });

  it.each([
    ['a zero byte', (line: string) => `\0${line.slice(1)}`],
    ['half a line', (line: string) => `${line.slice(0, 9)}\n`],
    ['another step', (line: string) => line.replace('"step":2', '"step":2000')],
    ['other JSON', () => '[2]\n'],
    ['no step', () => '{"step":"2"}\n'],
  ])('takes a damaged line (%s) out alone, and keeps it beside', async (_, damage) => {
    const folder = await folderWith();
    const file = join(folder, 'a.jsonl');
    const line = (step: number) => `{"step":${step},"reward":${step / 7}}\n`;
    const bad = damage(line(2));
    const good = Array.from({ length: 998 }, (_, i) => line(i + 3)).join('');
    await writeFile(file, `${line(1)}${bad}${good}${line(1001)}`);
    const aside = `${file}.damaged`;
    expect(await truncateAfterStep({ file, step: 1000, expected: 1000 })).toEqual({ count: 999, damaged: [2], aside });
    expect(await readFile(file, 'utf8')).toBe(`${line(1)}${good}`);
    expect(await readFile(aside, 'utf8')).toBe(`${bad}${line(1001)}`);
    // Once more, for a checkpoint that goes with what is left.
    expect(await truncateAfterStep({ file, step: 1000, expected: 999 })).toEqual({ count: 999, damaged: [] });
    expect((await readdir(folder)).sort()).toEqual(['a.jsonl', 'a.jsonl.damaged']);
  });

  it('keeps what it cuts where lines are missing that should be there', async () => {
    const file = join(await folderWith(), 'a.jsonl');
    await writeFile(file, '{"step":1}\n{"step":2,"rew');
    const aside = `${file}.damaged`;
    expect(await truncateAfterStep({ file, step: 2, expected: 2 })).toEqual({ count: 1, damaged: [], aside });
    expect(await readFile(file, 'utf8')).toBe('{"step":1}\n');
    expect(await readFile(aside, 'utf8')).toBe('{"step":2,"rew');
  });
});

describe('recordsByStep', () => {
  it('reads whole lines of ours, and nothing where there is no file', async () => {
    const file = join(await folderWith(), 'a.jsonl');
    expect(await recordsByStep(file)).toEqual(new Map());
    await writeFile(file, '{"step":3,"reward":1}\nnull\n7\n{"step":6,"reward":2}\n{"step":9}');
    const records = await recordsByStep(file);
    expect([...records.values()]).toEqual([
      { step: 3, reward: 1 },
      { step: 6, reward: 2 },
    ]);
  });
});
