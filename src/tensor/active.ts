import type { Backend } from './backend.js';

let active: Backend | null = null;

/** The backend that operations and fused passes run on. */
export function activeBackend(): Backend {
  if (active === null) throw new Error('no backend is started: call startRuntime() first');
  return active;
}

/** Makes `backend` the active one, and returns the one before. */
export function useBackend(backend: Backend | null): Backend | null {
  const before = active;
  active = backend;
  return before;
}

/** Whether a backend is started. */
export const isStarted = (): boolean => active !== null;

/** Runs `body`, which must not wait for anything, on this backend, whichever is active before and after. */
export function onBackend<T>(backend: Backend, body: () => T): T {
  const before = useBackend(backend);
  try {
    return body();
  } finally {
    useBackend(before);
  }
}
