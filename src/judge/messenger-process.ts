import { takeLock } from '../system/lock.js';
import { type ChatResult, type SendCall, serverCalls } from './chat-call.js';
import type { Brought, Errand } from './messenger.js';
import { ReplyCache } from './reply-cache.js';

/**
 * The messenger's process: asks a server, writes each reply down, brings it. Left alone, it writes down what is under way
 * and ends.
 */
const underWay = new Map<number, AbortController>();
let send: SendCall;
let cache: ReplyCache;

process.on('message', (errand: Errand) => {
  if ('open' in errand) {
    send = serverCalls(errand.open.server);
    cache = new ReplyCache(errand.open.cache);
  } else if ('giveUp' in errand) underWay.get(errand.giveUp)?.abort();
  else void run(errand);
});

async function run(errand: Extract<Errand, { key: string }>): Promise<void> {
  const { id } = errand;
  const given = new AbortController();
  underWay.set(id, given);
  const result = await ask(errand, given.signal);
  underWay.delete(id);
  if (process.connected) process.send!({ id, result } satisfies Brought, () => {});
}

async function ask(errand: Extract<Errand, { key: string }>, signal: AbortSignal): Promise<ChatResult> {
  const { key, request, isNew } = errand;
  // Whoever else asks the same, now or left over from a process that was killed, asks for us too.
  const lock = { file: cache.lockFile(key), patience: Number.POSITIVE_INFINITY, beats: false };
  const release = await takeLock(lock).catch(nothing);
  try {
    const kept = isNew ? undefined : await cache.get(key);
    if (kept !== undefined) return { ...kept, kept: true };
    if (!process.connected || signal.aborted) return { fault: 'timeout', message: 'it was given up' };
    const result = await send({ request, key, isNew, signal });
    // It only saves money: where it cannot be kept, it is asked anew another time.
    if ('content' in result) await cache.put(key, result).catch(nothing);
    return result;
  } finally {
    await release?.();
  }
}

/** Where a folder cannot be written, replies are asked for without it. */
const nothing = () => undefined;
