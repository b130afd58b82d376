import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Gauge, Registry } from 'prom-client';
import { runFiles } from '../../run/run-folder.js';
import { UsageError } from '../../system/errors.js';

/** A line of `metrics.jsonl` is shorter. Bytes. */
const TAIL = 65_536;

/**
 * Answers Prometheus on the loopback with the numbers of a run's latest step. It is the process that watches over the run
 * that does: the one that computes hears nothing meanwhile.
 *
 * @returns what ends it
 * @throws UsageError `METRICS_PORT` where the port is taken
 */
export async function serveMetrics(args: { port: number; folder: string; name: string }): Promise<() => void> {
  const { port, folder, name } = args;
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end('see /metrics\n');
      return;
    }
    const registry = registryOf(await lastStep(runFiles(folder).metrics), name);
    response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  }).catch((cause) => {
    const message = `--metrics-port ${port} cannot be opened: ${cause.message}`;
    throw new UsageError({ code: 'METRICS_PORT', message, cause });
  });
  // It does not keep the process alive.
  server.unref();
  return () => server.close();
}

function registryOf(step: Record<string, unknown>, run: string): Registry {
  const registry = new Registry();
  for (const [key, value] of Object.entries(step)) {
    if (typeof value !== 'number') continue;
    const name = `vau_rft_${key.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
    new Gauge({ name, help: key, labelNames: ['run'], registers: [registry] }).set({ run }, value);
  }
  return registry;
}

/** The last whole line; nothing where there is none yet. */
async function lastStep(file: string): Promise<Record<string, unknown>> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const start = Math.max(0, size - TAIL);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
      const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
      return JSON.parse(lines.at(-2) ?? '{}');
    } finally {
      await handle.close();
    }
  } catch {
    return {};
  }
}
