import { expect } from 'vitest';
import { useBackend } from '../../src/tensor/active.js';
import type { Backend } from '../../src/tensor/backend.js';
import { startWasm } from '../../src/tensor/backends/wasm/backend.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import type { Plain } from './plain.js';

/** Every backend that this machine has, in one process. */
export async function startBackends(): Promise<Backend[]> {
  const started = await startRuntime({ report: () => {} });
  return started.name === 'wasm' ? [started] : [started, await startWasm()];
}

/** Runs `body` on another backend than the active one. */
export function runOn<T>(backend: Backend, body: () => T): T {
  const before = useBackend(backend);
  try {
    return body();
  } finally {
    useBackend(before!);
  }
}

/** Equal shapes, and elements that differ by no more than `tolerance` (or by that share of the larger ones). */
export function expectClose(found: Plain, wanted: Plain, tolerance = 1e-6): void {
  expect(found.shape).toEqual(wanted.shape);
  for (const [i, value] of wanted.data.entries())
    expect(Math.abs(found.data[i]! - value) / Math.max(1, Math.abs(value)), `element ${i}`).toBeLessThanOrEqual(
      tolerance,
    );
}
