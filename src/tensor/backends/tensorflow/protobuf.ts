import type { PbfWriter } from 'pbf';

/** A message within a message. */
export const message = (into: PbfWriter, field: number, write: (part: PbfWriter) => void): void =>
  into.writeMessage(field, (_, part) => write(part), null);
