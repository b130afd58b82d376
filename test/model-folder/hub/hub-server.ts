import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** What a server does to one request, in the place of serving it. */
export type Fault =
  | { status: number; retryAfter?: number }
  /** Breaks off the connection after so many bytes of the answer. */
  | { cutAfter: number }
  /** Sends all of the file, whatever range was asked for. */
  | { ignoresRange: true }
  /** Says another length than it sends. */
  | { tells: number }
  /** Sends other bytes. */
  | { corrupt: true }
  /** Answers only after so many milliseconds. */
  | { delay: number }
  /** Says nothing. */
  | { silent: true };

export const COMMIT = 'c'.repeat(40);
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const gitHash = (data: Buffer) => createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');

/** A server that speaks as the hub does, of one model. */
export async function hubServer({ id, files, token }: { id: string; files: Record<string, Buffer>; token?: string }) {
  const faults = new Map<string, Fault[]>();
  const requests: { path: string; range?: string; authorization?: string }[] = [];
  const isLarge = (name: string) => name.endsWith('.safetensors');
  const tree = Object.entries(files).map(([path, data]) => ({
    type: 'file',
    path,
    size: data.length,
    oid: gitHash(data),
    ...(isLarge(path) ? { lfs: { oid: sha256(data), size: data.length, pointerSize: 100 } } : {}),
  }));

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url!, 'http://hub');
    const { range, authorization } = request.headers;
    const name = decodeURIComponent(pathname.split('/').at(-1)!);
    const kind = pathname.startsWith('/api/') ? (pathname.includes('/tree/') ? 'tree' : 'info') : name;
    requests.push({ path: kind, range, authorization });
    const fault = faults.get(kind)?.shift();
    if (fault !== undefined && 'silent' in fault) return;
    if (fault !== undefined && 'delay' in fault) await setTimeout(fault.delay);
    if (fault !== undefined && 'status' in fault) {
      const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
      return void response.writeHead(fault.status, headers).end();
    }
    if (token !== undefined && authorization !== `Bearer ${token}`) return void response.writeHead(401).end();
    const json = (value: unknown) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (!pathname.includes(id)) return void response.writeHead(404).end();
    if (kind === 'tree') return json(tree);
    if (kind === 'info') return json({ _id: '1', id, sha: COMMIT, lastModified: new Date(0), siblings: [] });
    const data = files[name];
    if (data === undefined) return void response.writeHead(404).end();
    const asked = /^bytes=(\d+)-$/.exec(range ?? '');
    const isWhole = asked === null || (fault !== undefined && 'ignoresRange' in fault);
    const from = isWhole ? 0 : Number(asked[1]);
    if (from >= data.length && !isWhole) return void response.writeHead(416).end();
    const body = Buffer.from(data.subarray(from));
    if (fault !== undefined && 'corrupt' in fault) body.fill(0);
    const length = fault !== undefined && 'tells' in fault ? fault.tells : body.length;
    response.writeHead(isWhole ? 200 : 206, {
      'content-length': length,
      ...(isWhole ? {} : { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` }),
    });
    if (fault !== undefined && 'cutAfter' in fault) {
      response.write(body.subarray(0, fault.cutAfter), () => void setTimeout(20).then(() => response.destroy()));
      return;
    }
    response.end(body);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    fail: (path: string, ...list: Fault[]) => faults.set(path, [...(faults.get(path) ?? []), ...list]),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
