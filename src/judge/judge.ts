import path from 'node:path';
import { z } from 'zod';
import type { JudgeOptions } from '../config/judge-options.js';
import { cacheFolder } from '../system/cache-folder.js';
import { Interrupted } from '../system/interrupted.js';
import type { ChatRequest } from './chat-call.js';
import { ChatServer } from './chat-server.js';
import { Messenger } from './messenger.js';
import { ReplyCache } from './reply-cache.js';
import { replyText } from './reply-text.js';
import type { Bill } from './spending.js';

/** A question to a judge. */
export interface Question<T> {
  /** What is asked; it holds nothing that a model under test has written. */
  instructions: string;
  /** What it is asked about, among it the texts of others: data. */
  material: string;
  /** What there is to see: addresses of pictures (`data:image/jpeg;base64,…`). */
  images?: readonly string[];
  /** What the reply must be. */
  reply: { name: string; schema: z.ZodType<T> };
}

/** What came of a question. A judge that does not answer has said nothing: that is no grade. */
export type Reply<T> = { value: T } | { failed: string };

/** Who asks the same at the same time waits for the same reply. */
type Pending = Map<string, Promise<Reply<string>>>;

/**
 * A language model that is asked questions with replies of a known form. The same question is paid for once: replies are
 * kept on the disk. Whatever the server does, a question ends by its deadline, with a reply or a reason.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #server: ChatServer;
  readonly #cache: ReplyCache;
  readonly #signal: AbortSignal;
  readonly #pending: Pending = new Map();

  /** @param signal aborted: what is asked is broken off */
  constructor(options: JudgeOptions, { signal = new AbortController().signal }: { signal?: AbortSignal } = {}) {
    this.#options = options;
    this.#signal = signal;
    const cache = path.resolve(options.cache ?? path.join(cacheFolder(), 'judge'));
    const messenger = new Messenger({ server: options, cache, signal });
    this.#server = new ChatServer(options, { signal, send: (call) => messenger.send(call) });
    this.#cache = new ReplyCache(cache);
  }

  /**
   * @param variant another number asks the same anew: a second opinion of the same judge
   * @param signal aborted: this question is given up
   * @throws Interrupted
   */
  async ask<T>(
    question: Question<T>,
    { variant = 0, signal }: { variant?: number; signal?: AbortSignal } = {},
  ): Promise<Reply<T>> {
    const request = requestOf(this.#options, question);
    const key = ReplyCache.key([this.#options.base_url, request, variant]);
    const { schema } = question.reply;
    const pending = this.#pending.get(key) ?? this.#reply({ key, request, schema, signal });
    this.#pending.set(key, pending);
    const reply = await pending.finally(() => this.#pending.delete(key));
    if (this.#signal.aborted && 'failed' in reply) throw new Interrupted();
    return 'failed' in reply ? reply : { value: schema.parse(JSON.parse(reply.value)) };
  }

  bill(): Bill {
    return this.#server.bill();
  }

  /** The reply as JSON text of the form asked for. */
  async #reply(args: {
    key: string;
    request: ChatRequest;
    schema: z.ZodType;
    signal: AbortSignal | undefined;
  }): Promise<Reply<string>> {
    const { key, request, schema, signal } = args;
    const accept = (content: string) => fitting(content, schema);
    const kept = accept((await this.#cache.get(key))?.content ?? '');
    if (kept !== undefined) {
      this.#server.countCached();
      return { value: kept };
    }
    try {
      return { value: (await this.#server.complete({ request, key, accept, signal })).content };
    } catch (error) {
      return { failed: (error as Error).message };
    }
  }
}

const jsonSchemas = new WeakMap<z.ZodType, Record<string, unknown>>();

/** Made once for each form of reply. */
function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const known = jsonSchemas.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema) as Record<string, unknown>;
  jsonSchemas.set(schema, made);
  return made;
}

function requestOf(
  options: JudgeOptions,
  { instructions, material, images = [], reply }: Question<unknown>,
): ChatRequest {
  const { model, temperature, max_tokens, structured_output } = options;
  const schema = jsonSchemaOf(reply.schema);
  const form = `Reply with one JSON object and nothing else. It must fit this JSON schema:\n${JSON.stringify(schema)}`;
  const seen = images.map((url) => ({ type: 'image_url' as const, image_url: { url } }));
  return {
    model,
    temperature,
    max_tokens,
    messages: [
      { role: 'system', content: `${instructions}\n\n${form}` },
      { role: 'user', content: seen.length === 0 ? material : [...seen, { type: 'text', text: material }] },
    ],
    ...(structured_output === 'json_object' && { response_format: { type: 'json_object' } }),
    ...(structured_output === 'json_schema' && {
      response_format: { type: 'json_schema', json_schema: { name: reply.name, strict: true, schema } },
    }),
  };
}

/** A reply's JSON, if it is of the form. */
function fitting(content: string, schema: z.ZodType): string | undefined {
  const text = replyText(content);
  try {
    return schema.safeParse(JSON.parse(text)).success ? text : undefined;
  } catch {
    return undefined;
  }
}
