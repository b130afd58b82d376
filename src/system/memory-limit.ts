import { totalmem } from 'node:os';

/** Bytes of memory that this process may use: the machine's, or a container's where that has less. */
export const memoryLimit = (): number => Math.min(totalmem(), process.constrainedMemory() || totalmem());
