import { createHash } from 'node:crypto';

/** The hash of a package's archive as npm writes it: `sha512-…`. */
export const npmIntegrity = (archive: Uint8Array): string =>
  `sha512-${createHash('sha512').update(archive).digest('base64')}`;
