import type { OpenaiEngineOptions } from '../../../config/engine-options.js';
import { RunError } from '../../../system/errors.js';
import { FailedTry, pauseAsked } from '../../../system/failed-try.js';
import { SERVER_KINDS, type ServerKind, type ServerRequest } from './server-kinds.js';

/** What a server can fail of, as it is counted. */
export type Fault = 'rate_limit' | 'server_error' | 'timeout' | 'connection' | 'adapter_lost' | 'unusable_reply';

/** Seconds. */
const ADAPTER_TIMEOUT = 120;
/** What is short, or must end, is never broken off. */
export const NEVER: AbortSignal = new AbortController().signal;

/** One server, and the adapter that it was given last. */
export class Server {
  /** Without a path. */
  readonly #root: string;
  readonly #kind: ServerKind;
  readonly #options: OpenaiEngineOptions;
  #adapter: string | null = null;
  #restoring: Promise<void> | null = null;

  constructor(args: { url: string; options: OpenaiEngineOptions }) {
    this.#root = args.url.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#options = args.options;
    this.#kind = SERVER_KINDS[args.options.server];
  }

  get name(): string {
    return this.#root;
  }

  /** @throws RunError `ROLLOUT_SERVER` where it does not give what is needed, or cannot be reached */
  async check(): Promise<string> {
    const { leastVersion } = this.#kind;
    const { version } = (await this.#once(this.#kind.version).catch(refused(this.#root))) as { version?: string };
    if (version === undefined || (leastVersion !== undefined && isOlder(version, leastVersion)))
      throw unfit(
        `${this.#root} has version ${version ?? 'unknown'}${leastVersion === undefined ? '' : `, and token ids come with ${leastVersion}`}`,
      );
    const { data = [] } = (await this.#once({ path: '/v1/models' }).catch(refused(this.#root))) as {
      data?: { id: string }[];
    };
    const names = data.map(({ id }) => id);
    if (!names.includes(this.#options.model))
      throw unfit(`${this.#root} has no model ${this.#options.model}, but ${names.join(', ') || 'none'}`);
    return version;
  }

  /** Gives it an adapter in the place of the one before; its folder as the server sees it. */
  async load(adapter: string, folder: string): Promise<void> {
    const before = this.#adapter;
    await this.#give(adapter, folder);
    this.#adapter = adapter;
    if (before !== null && before !== adapter) await this.#takeAway(before);
  }

  /** Another process has given it this adapter. */
  adopt(adapter: string): void {
    this.#adapter = adapter;
  }

  /** Gives it the adapter again that it has lost; once, however many miss it. */
  async restore(folder: string): Promise<void> {
    this.#restoring ??= this.#give(this.#adapter!, folder).finally(() => {
      this.#restoring = null;
    });
    await this.#restoring;
  }

  /** Takes the adapter away that it was given last, if it is there. */
  async unload(): Promise<void> {
    if (this.#adapter !== null) await this.#takeAway(this.#adapter);
    this.#adapter = null;
  }

  async #give(adapter: string, folder: string): Promise<void> {
    try {
      await this.#once(this.#kind.load(adapter, folder));
    } catch (error) {
      if (!/already (been )?loaded/i.test((error as Error).message)) throw error;
      // One of this name may be of a run that went another way.
      await this.#takeAway(adapter);
      await this.#once(this.#kind.load(adapter, folder));
    }
  }

  async #takeAway(adapter: string): Promise<void> {
    await this.#once(this.#kind.unload(adapter)).catch(() => {});
  }

  /** Asks for the completions of a prompt. */
  async complete(body: object, signal: AbortSignal): Promise<unknown> {
    const { model } = this.#options;
    const adapter = this.#adapter;
    const name = adapter === null ? model : this.#kind.modelName(model, adapter);
    const path = '/v1/chat/completions';
    const request = { path, body: { ...body, ...this.#kind.wants, model: name } };
    return this.#once(request, { seconds: this.#options.timeout_s, signal });
  }

  async #once(
    { path, body }: ServerRequest,
    { seconds, signal }: { seconds: number; signal: AbortSignal } = { seconds: ADAPTER_TIMEOUT, signal: NEVER },
  ): Promise<unknown> {
    const key = process.env[this.#options.api_key_env];
    const timeout = AbortSignal.timeout(seconds * 1000);
    try {
      const response = await fetch(`${this.#root}${path}`, {
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
        signal: AbortSignal.any([timeout, signal]),
      });
      const text = await response.text();
      if (!response.ok) throw this.#failure(response, text, path);
      // Loading an adapter is answered by a sentence.
      return path.endsWith('lora_adapter') ? text : parsed(text);
    } catch (error) {
      if (signal.aborted || error instanceof FailedTry || error instanceof RunError) throw error;
      if (timeout.aborted) throw new FailedTry('timeout', `${this.#root} gave no reply within ${seconds} s`);
      throw new FailedTry('connection', `${this.#root} cannot be reached (${reasonOf(error)})`);
    }
  }

  #failure({ status, headers }: Response, text: string, path: string): Error {
    const said = `${this.#root}${path} says ${status}: ${text.slice(0, 300)}`;
    if (status === 429) return new FailedTry('rate_limit', said, pauseAsked(headers));
    if (status === 404 && path.endsWith('completions')) return new FailedTry('adapter_lost', said);
    if (status >= 500 || status === 408 || status === 409) return new FailedTry('server_error', said);
    return unfit(said);
  }
}

const unfit = (message: string): RunError => new RunError({ code: 'ROLLOUT_SERVER', message });

const refused = (root: string) => (error: unknown) => {
  if (error instanceof RunError) throw error;
  throw new RunError({
    code: 'ROLLOUT_SERVER',
    message: `the server of rollout.engine does not answer: ${error instanceof FailedTry ? error.message : `${root}: ${reasonOf(error)}`}`,
    cause: error,
  });
};

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FailedTry('unusable_reply', `the reply is no JSON: ${text.slice(0, 100)}`);
  }
}

/** Of versions such as 0.10.2 and 0.11.0rc1; what has no numbers is not known to be older. */
function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => (/^v?(\d+(?:\.\d+)*)/.exec(text)?.[1] ?? '').split('.').map(Number);
  const [own, least] = [numbers(version), numbers(than)];
  if (Number.isNaN(own[0]) || own[0] === undefined || /^\D/.test(version.replace(/^v/, ''))) return false;
  for (let i = 0; i < least.length; i++) if ((own[i] ?? 0) !== least[i]) return (own[i] ?? 0) < least[i]!;
  return false;
}
