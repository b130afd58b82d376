import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
  /** Milliseconds before it. */
  delay?: number;
}

/** A server in the way of vLLM, which writes down what it is asked. */
export async function fakeServer(options: {
  version?: string;
  models?: string[];
  /** The answer to a chat request. @param adapters that it holds */
  chat: (request: ChatBody, adapters: Set<string>) => Answer | Promise<Answer>;
}): Promise<{ url: string; calls: { path: string; body: Record<string, unknown> }[]; close(): Promise<void> }> {
  const { version = '0.11.0', models = ['base'], chat } = options;
  const calls: { path: string; body: Record<string, unknown> }[] = [];
  const adapters = new Set<string>();
  const answer = async (path: string, body: Record<string, unknown>): Promise<Answer> => {
    if (path === '/version') return { body: { version } };
    if (path === '/v1/models') return { body: { data: models.map((id) => ({ id })) } };
    const name = String(body.lora_name);
    if (path === '/v1/load_lora_adapter' && adapters.has(name))
      return { status: 400, body: `The lora adapter '${name}' has already been loaded.` };
    if (path === '/v1/load_lora_adapter') adapters.add(name);
    if (path === '/v1/unload_lora_adapter') adapters.delete(name);
    if (path.endsWith('lora_adapter')) return { body: `done: ${name}` };
    return chat(body as unknown as ChatBody, adapters);
  };
  const server = createServer(async (request, response) => {
    const body = await read(request);
    if (request.method === 'POST') calls.push({ path: request.url!, body });
    const { status = 200, headers = {}, body: said, delay = 0 } = await answer(request.url!, body);
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof said === 'string' ? said : JSON.stringify(said));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface ChatBody {
  model: string;
  n: number;
  seed: number;
  temperature: number;
  max_tokens: number;
  stop_token_ids: number[];
  messages: { role: string; content: { type: string; text?: string; video_url?: { url: string } }[] }[];
  mm_processor_kwargs?: Record<string, unknown>;
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}
