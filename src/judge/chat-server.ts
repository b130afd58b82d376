import PQueue from 'p-queue';
import pRetry, { AbortError } from 'p-retry';
import type { ServerOptions } from '../config/judge-options.js';
import { FailedTry, pauseFor } from '../system/failed-try.js';
import { type ChatRequest, type ChatResult, type SendCall, serverCalls } from './chat-call.js';
import type { Usage } from './reply-cache.js';
import { type Bill, Spending } from './spending.js';

/** What a server has said. */
export interface Completed {
  content: string;
  usage: Usage;
}

interface CompleteOptions {
  request: ChatRequest;
  /** Names the question: the same for the same. */
  key: string;
  /** The reply as it is to be kept; undefined where it is of no use. */
  accept: (content: string) => string | undefined;
  /** Aborted: this question is given up. */
  signal?: AbortSignal;
}

/** Kinds of faults, as they are counted. */
type Fault = 'rate_limit' | 'server_error' | 'timeout' | 'connection' | 'unusable_reply' | 'refused';

/** Milliseconds. */
const PAUSES = { first: 500, longest: 30_000 };
/** A reply of no use is asked for again so often: a model that never keeps to the form will not. */
const UNUSABLE_RETRIES = 1;

/**
 * An OpenAI-compatible server that is asked politely and insistently: so many questions at a time, again after what may
 * pass, never after what will not, and never beyond a deadline or a budget.
 */
export class ChatServer {
  readonly #options: ServerOptions;
  readonly #send: SendCall;
  /** Questions that are asked at a time. */
  readonly #questions: PQueue;
  /** Lets tries go, so many a minute. */
  readonly #tries: PQueue;
  readonly #spending: Spending;
  readonly #signal: AbortSignal;
  /** Why nothing more is asked: the key is wrong, the quota has ended. */
  #closed: string | undefined;

  /**
   * @param signal aborted: what is asked is broken off
   * @param send makes the requests; left out, from this process
   */
  constructor(
    options: ServerOptions,
    { signal = new AbortController().signal, send }: { signal?: AbortSignal; send?: SendCall } = {},
  ) {
    const { concurrency, requests_per_minute } = options;
    this.#options = options;
    this.#signal = signal;
    this.#send = send ?? serverCalls(options);
    this.#questions = new PQueue({ concurrency });
    this.#tries = new PQueue(
      requests_per_minute === undefined ? {} : { intervalCap: requests_per_minute, interval: 60_000 },
    );
    this.#spending = new Spending(options);
  }

  bill(): Bill {
    return this.#spending.bill();
  }

  countCached(): void {
    this.#spending.countCached();
  }

  /**
   * Asks until there is a reply, or there will be none.
   *
   * @throws Error with the reason, for people
   */
  async complete(options: CompleteOptions): Promise<Completed> {
    try {
      return await this.#questions.add(() => this.#insist(options));
    } catch (error) {
      this.#spending.countFailed();
      throw this.#signal.aborted ? new Error('interrupted') : error;
    }
  }

  async #insist({ signal, ...options }: CompleteOptions): Promise<Completed> {
    const { deadline_s, max_retries } = this.#options;
    const own = signal === undefined ? [] : [signal];
    // What waited for its turn has not been asked yet.
    const deadline = AbortSignal.any([AbortSignal.timeout(deadline_s * 1000), this.#signal, ...own]);
    let unusable = 0;
    try {
      return await pRetry(() => this.#tryOnce({ ...options, signal: deadline, isNew: unusable > 0 }), {
        retries: max_retries,
        minTimeout: 0,
        signal: deadline,
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          const { fault = 'connection', pause = 0 } = error as Partial<FailedTry<Fault>>;
          this.#spending.countFault(fault);
          if (fault === 'unusable_reply' && ++unusable > UNUSABLE_RETRIES) throw new AbortError(error.message);
          if (retriesLeft > 0) await pauseFor({ attemptNumber, ...PAUSES, least: pause, signal: deadline });
        },
      });
    } catch (error) {
      throw deadline.aborted ? new Error('there was no reply by the deadline') : error;
    }
  }

  async #tryOnce({ accept, ...call }: CompleteOptions & { signal: AbortSignal; isNew: boolean }): Promise<Completed> {
    await this.#tries.add(() => undefined, { signal: call.signal });
    if (this.#closed !== undefined) throw new AbortError(this.#closed);
    const settle = this.#spending.reserve(JSON.stringify(call.request.messages).length);
    if (settle === undefined) throw new AbortError(`the budget of ${this.#options.budget} US dollars is used up`);
    const result = await this.#send(call);
    if ('fault' in result) {
      settle(null);
      throw this.#signal.aborted ? new AbortError('interrupted') : this.#failure(result);
    }
    settle(result.kept ? 'kept' : result.usage);
    const content = accept(result.content);
    if (content === undefined) throw new FailedTry('unusable_reply', 'the reply is not in the form asked for');
    return { content, usage: result.usage };
  }

  /** What a try failed of, so that it is made again or not. */
  #failure(result: Extract<ChatResult, { fault: string }>): Error {
    if (result.fault !== 'status') return new FailedTry(result.fault, result.message);
    const { status, code, pause } = result;
    const said = `the server says ${status}`;
    if (status === 429 && code !== 'insufficient_quota') return new FailedTry<Fault>('rate_limit', said, pause);
    if (status >= 500 || status === 408 || status === 409) return new FailedTry('server_error', said, pause);
    return this.#refusal(result, said);
  }

  /** What is so for this question is so for all where it is about who asks. */
  #refusal({ status, code, message }: Extract<ChatResult, { fault: 'status' }>, said: string): AbortError {
    this.#spending.countFault('refused');
    const { api_key_env } = this.#options;
    if (status === 401 || status === 403) this.#closed = `${said}: is the key in ${api_key_env} right?`;
    if (status === 404) this.#closed = `${said}: are base_url and model right?`;
    if (status === 402 || code === 'insufficient_quota') this.#closed = `${said}: the quota has ended`;
    return new AbortError(this.#closed ?? `${said}: ${message}`);
  }
}
