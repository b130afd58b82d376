import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { groupBy } from '../system/group-by.js';

/**
 * Digests of the contents of files, of those alone that another has the size of: nobody else can hold the same. What
 * cannot be read has none.
 */
export async function contentDigests(paths: readonly string[]): Promise<Map<string, string>> {
  const sized = await Promise.all(
    paths.map(async (path) => ({
      path,
      size: await stat(path).then(
        ({ size }) => size,
        () => undefined,
      ),
    })),
  );
  const known = sized.filter(({ size }) => size !== undefined);
  const alike = [...groupBy(known, ({ size }) => size).values()].filter((group) => group.length > 1).flat();
  const digests = new Map<string, string>();
  for (const { path } of alike) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash).then(
      () => digests.set(path, hash.digest('hex')),
      () => undefined,
    );
  }
  return digests;
}
