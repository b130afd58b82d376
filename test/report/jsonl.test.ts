import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JsonLines, truncateAfterStep } from '../../src/report/jsonl.js';
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

  it.each(['', '{"step":5,"te', '{"step":1}', '\0\0\0\n'])(
    'makes a killed and resumed file that of a whole run (torn: %j)',
    async (torn) => {
      const folder = await folderWith();
      const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
      await write(whole, records(1, 7));
      await write(killed, records(1, 5));
      await appendFile(killed, torn);
      const before = (await readFile(killed)).length;
      const removed = await truncateAfterStep({ file: killed, step: 3 });
      expect(removed).toBe(before - (await readFile(killed)).length);
      await write(killed, records(4, 7));
      expect((await readFile(killed)).equals(await readFile(whole))).toBe(true);
    },
  );

  it('reads more lines than one chunk holds', async () => {
    const file = join(await folderWith(), 'a.jsonl');
    // Lines of 16 bytes, so that chunks end where lines end.
    await write(
      file,
      Array.from({ length: 9000 }, (_, i) => ({ step: 100_000 + i })),
    );
    expect(await truncateAfterStep({ file, step: 200_000 })).toBe(0);
    await appendFile(file, '{"step":109000');
    expect(await truncateAfterStep({ file, step: 108_998 })).toBe('{"step":108999}\n{"step":109000'.length);
    expect(await truncateAfterStep({ file, step: 108_998 })).toBe(0);
  });

  it('cuts nothing but what comes after the step', async () => {
    const file = join(await folderWith(), 'a.jsonl');
    expect(await truncateAfterStep({ file, step: 3 })).toBe(0);
    await write(file, records(1, 3));
    expect(await truncateAfterStep({ file, step: 3 })).toBe(0);
    await writeFile(file, '{"step":1}\n{"step":2}');
    expect(await truncateAfterStep({ file, step: 3 })).toBe(10);
    expect(await truncateAfterStep({ file, step: 0 })).toBe(11);
    expect(await readFile(file, 'utf8')).toBe('');
  });
});
