import OpenAI, { APIConnectionTimeoutError, APIError } from 'openai';
import type { ServerOptions } from '../config/judge-options.js';
import { pauseAsked } from '../system/failed-try.js';
import type { Usage } from './reply-cache.js';

/** A request as OpenAI's client takes it. */
export type ChatRequest = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;

/** One request to a server. */
export interface ChatCall {
  request: ChatRequest;
  /** Names the question, for servers and proxies that know by it what they have been asked before. */
  key: string;
  /** A reply that was kept is of no use. */
  isNew: boolean;
  /** Aborted: the request is broken off. */
  signal: AbortSignal;
}

/** What came of one request: plain data, which can go from process to process. */
export type ChatResult =
  | {
      content: string;
      usage: Usage;
      /** Nothing was asked: the reply was there. */
      kept?: true;
    }
  | { fault: 'timeout' | 'connection'; message: string }
  | {
      fault: 'status';
      status: number;
      code: string | null;
      message: string;
      /** What the server asks for, in milliseconds. */
      pause: number;
    };

/** Makes one request, once. */
export type SendCall = (call: ChatCall) => Promise<ChatResult>;

/** To an OpenAI-compatible server; the key comes from the environment. */
export function serverCalls({ base_url, api_key_env, timeout_s }: ServerOptions): SendCall {
  const client = new OpenAI({
    baseURL: base_url,
    // Servers of one's own ask for no key, and the client for any.
    apiKey: process.env[api_key_env] || 'none',
    organization: null,
    project: null,
    maxRetries: 0,
    logLevel: 'off',
  });
  const timeout = timeout_s * 1000;
  return async ({ request, key, signal }) => {
    try {
      const reply = await client.chat.completions.create(request, {
        // The client's own timeout is over once the head of the reply is there.
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
        timeout,
        headers: { 'Idempotency-Key': key },
      });
      const usage = { input: reply.usage?.prompt_tokens ?? 0, output: reply.usage?.completion_tokens ?? 0 };
      return { content: reply.choices?.[0]?.message?.content ?? '', usage };
    } catch (error) {
      return faultOf(error, timeout_s);
    }
  };
}

function faultOf(error: unknown, timeout_s: number): ChatResult {
  const { name = '', message = '' } = error as Error;
  if (error instanceof APIConnectionTimeoutError || /abort|timeout/i.test(`${name} ${message}`))
    return { fault: 'timeout', message: `the server did not reply within ${timeout_s} s` };
  if (!(error instanceof APIError) || error.status === undefined)
    return { fault: 'connection', message: `the server cannot be reached, or its reply not read (${message})` };
  const { status, code = null, headers } = error;
  return { fault: 'status', status, code: code as string | null, message, pause: pauseAsked(headers) };
}
