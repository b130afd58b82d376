import { createHash } from 'node:crypto';

/** A cache's entry: a line of JSON, a line with the digest of all else, the bytes. */
export function packEntry({ head, data }: { head: unknown; data: Uint8Array }): Buffer {
  const text = JSON.stringify(head);
  return Buffer.concat([Buffer.from(`${text}\n${digest(text, data)}\n`), data]);
}

/** @returns null if the entry is damaged; `data` is a view of `bytes` */
export function unpackEntry<Head>(bytes: Buffer): { head: Head; data: Uint8Array } | null {
  const first = bytes.indexOf('\n');
  const second = bytes.indexOf('\n', first + 1);
  if (first < 0 || second < 0) return null;
  const text = bytes.toString('utf8', 0, first);
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + second + 1, bytes.length - second - 1);
  if (bytes.toString('utf8', first + 1, second) !== digest(text, data)) return null;
  return { head: JSON.parse(text) as Head, data };
}

const digest = (head: string, data: Uint8Array): string => createHash('sha256').update(head).update(data).digest('hex');
