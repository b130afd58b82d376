import type { ProcessGroup } from './process-group.js';

/** A run that is made by one process. */
export const single: ProcessGroup = {
  rank: 0,
  size: 1,
  gather: async (values) => [values],
  sumGradients: async () => {},
  fail: () => {},
  close: async () => {},
};
