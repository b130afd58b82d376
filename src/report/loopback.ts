import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from '../system/errors.js';

/**
 * Serves on this machine alone until the signal. Requests by a name that only leads here are refused: another page in the
 * browser could have made it up.
 *
 * @param onListening is told the port
 * @throws UsageError `PORT_TAKEN`
 */
export async function serveOnLoopback(args: {
  /** 0: a free one. */
  port: number;
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  onListening: (port: number) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { port, handle, onListening, signal } = args;
  const server = createServer((request, response) => {
    const own = [`127.0.0.1:${request.socket.localPort}`, `localhost:${request.socket.localPort}`];
    if (!own.includes(request.headers.host ?? '')) return reply(response, 403, { error: 'the address is another' });
    handle(request, response).catch((error: Error) => {
      if (!response.headersSent) reply(response, 500, { error: error.message });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `the page cannot be served on port ${port} (${cause.code}); name another with --port`;
      reject(new UsageError({ code: 'PORT_TAKEN', message, cause }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  onListening((server.address() as AddressInfo).port);
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** JSON that nobody keeps. */
export function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** A page that nobody keeps. */
export function replyPage(response: ServerResponse, html: string): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(html);
}
