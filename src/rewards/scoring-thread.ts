import { Worker } from 'node:worker_threads';
import pLimit, { type LimitFunction } from 'p-limit';
import { packageFile } from '../system/package-file.js';
import type { RewardInput } from './reward.js';

/** What the thread is asked, and says. */
export interface ThreadRequest {
  id: number;
  group: readonly RewardInput[];
}
export type ThreadReply = { ready: true } | { id: number; returned: unknown } | { id: number; error: string };

interface Waiting {
  resolve: (returned: unknown) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/**
 * What scores in a thread of its own: it goes on while the main one computes. One that hangs is stopped, and started anew
 * for the next group.
 */
export class ScoringThread {
  readonly #script: string;
  readonly #data: unknown;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #turn: LimitFunction;
  #worker: Promise<Worker> | null = null;
  /** Of those that were started. */
  #current = 0;
  #count = 0;

  /**
   * @param script of the thread, in this folder
   * @param data what it is given when it starts
   * @param concurrency groups that are asked about at a time
   * @param signal aborted: what is asked fails at once
   */
  constructor(args: { script: string; data: unknown; timeoutMs: number; concurrency: number; signal: AbortSignal }) {
    this.#script = packageFile(`dist/rewards/${args.script}`);
    this.#data = args.data;
    this.#turn = pLimit(args.concurrency);
    this.#timeoutMs = args.timeoutMs;
    args.signal.addEventListener('abort', () => void this.#end(new Error('interrupted')), { once: true });
  }

  /** @throws Error where it cannot be started: the module cannot be loaded, or has no function as its default export */
  async start(): Promise<void> {
    await this.#started();
  }

  /** What it returns for a group, whatever that is. @throws Error where it throws or takes too long */
  score(group: readonly RewardInput[]): Promise<unknown> {
    return this.#turn(() => this.#ask(group));
  }

  async close(): Promise<void> {
    await this.#end(new Error('closed'));
  }

  async #ask(group: readonly RewardInput[]): Promise<unknown> {
    const worker = await this.#started();
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      const end = () => {
        if (this.#waiting.has(id)) void this.#end(new Error(`it took longer than ${this.#timeoutMs / 1000} s`));
      };
      // Where this thread was computing meanwhile, the answer may be there and not yet read.
      const late = () => setImmediate(end);
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, this.#timeoutMs) });
      worker.postMessage({ id, group } satisfies ThreadRequest);
    });
  }

  #started(): Promise<Worker> {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  #start(): Promise<Worker> {
    const own = ++this.#current;
    const worker = new Worker(this.#script, { workerData: this.#data });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`loading it took longer than ${this.#timeoutMs / 1000} s`));
        void this.#end(new Error('stopped'));
      }, this.#timeoutMs);
      worker.on('message', (reply: ThreadReply) => {
        clearTimeout(timer);
        if ('ready' in reply) resolve(worker);
        else this.#settle(reply);
      });
      const gone = (error: Error) => {
        clearTimeout(timer);
        reject(error);
        if (own === this.#current) void this.#end(error);
      };
      worker.on('error', gone);
      worker.on('exit', () => gone(new Error('it left its thread')));
    });
  }

  #settle(reply: Exclude<ThreadReply, { ready: true }>): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if ('error' in reply) waiting.reject(new Error(reply.error));
    else waiting.resolve(reply.returned);
  }

  /** Stops the thread; all that is still asked fails. */
  async #end(error: Error): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
    await (await worker?.catch(() => null))?.terminate();
  }
}
