import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as a judge makes it. */
export interface Asked {
  system: string;
  /** The user's text. */
  text: string;
  images: number;
  body: Record<string, unknown>;
  headers: IncomingMessage['headers'];
}

/** What the server does with a request. */
export type Act = (asked: Asked, response: ServerResponse) => unknown;

/** A server on the loopback that answers as it is told, request by request; the last way stays. */
export async function scriptedServer(...acts: Act[]): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = read(JSON.parse(Buffer.concat(chunks).toString()), request.headers);
    const act = acts[Math.min(asked.length, acts.length - 1)]!;
    asked.push(one);
    await act(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

function read(body: Record<string, unknown>, headers: Asked['headers']): Asked {
  const messages = body.messages as { role: string; content: string | { type: string; text?: string }[] }[];
  const textOf = (role: string) => {
    const content = messages.find((message) => message.role === role)?.content ?? '';
    return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('\n');
  };
  const user = messages.find(({ role }) => role === 'user')?.content ?? '';
  const images = typeof user === 'string' ? 0 : user.filter(({ type }) => type === 'image_url').length;
  return { system: textOf('system'), text: textOf('user'), images, body, headers };
}

/** Replies with these words. */
export const saying =
  (content: string | ((asked: Asked) => string)): Act =>
  (asked, response) => {
    const said = typeof content === 'string' ? content : content(asked);
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        id: 'x',
        object: 'chat.completion',
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: said } }],
        usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
      }),
    );
  };

/** Fails with a status. */
export const failing =
  (status: number, { headers = {}, code }: { headers?: Record<string, string>; code?: string } = {}): Act =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ error: { message: 'scripted', code } }));
  };

/** Never replies. */
export const hanging: Act = () => {};

/** Breaks off in the middle of its reply. */
export const halfReply: Act = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
  response.write('{"choices":[{"index":0,"message":{"role":"assistant","content":"{\\"cla');
  setTimeout(() => response.destroy(), 20);
};

/** VAU-Eval's reply with one grade for all. */
export const grades = (grade: number): string =>
  JSON.stringify({
    rationale: 'because',
    classification: grade,
    key_concept: grade,
    fluency: grade,
    informativeness: grade,
    factual_consistency: grade,
  });
