import { type ChildProcess, fork } from 'node:child_process';
import type { ServerOptions } from '../config/judge-options.js';
import { packageFile } from '../system/package-file.js';
import type { ChatCall, ChatRequest, ChatResult } from './chat-call.js';

/** What the messenger's process is told. */
export type Errand =
  | { open: { server: ServerOptions; cache: string } }
  | { id: number; key: string; request: ChatRequest; isNew: boolean }
  | { giveUp: number };

/** What it brings. */
export interface Brought {
  id: number;
  result: ChatResult;
}

const ENDED: ChatResult = { fault: 'connection', message: 'the process that asks the server has ended' };

/**
 * Carries questions to a server in a process that outlives this one: a reply under way when we are killed is still
 * written down, and whoever asks the same by then waits for it. So the same question is never paid for twice.
 */
export class Messenger {
  readonly #open: Errand;
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<number, (result: ChatResult) => void>();
  #child: ChildProcess | undefined;
  #count = 0;

  /**
   * @param cache the folder of replies
   * @param signal aborted: nobody waits any more, and what is under way is still written down
   */
  constructor({ server, cache, signal }: { server: ServerOptions; cache: string; signal: AbortSignal }) {
    this.#open = { open: { server, cache } };
    this.#signal = signal;
  }

  send({ request, key, signal, isNew }: ChatCall): Promise<ChatResult> {
    const child = this.#started();
    const id = this.#count++;
    return new Promise((resolve) => {
      const settle = (result: ChatResult) => {
        signal.removeEventListener('abort', giveUp);
        this.#waiting.delete(id);
        if (this.#waiting.size === 0) hold(child, false);
        resolve(result);
      };
      const giveUp = () => {
        if (!this.#signal.aborted) tell(child, { giveUp: id });
        settle({ fault: 'timeout', message: 'it was given up' });
      };
      this.#waiting.set(id, settle);
      hold(child, true);
      signal.addEventListener('abort', giveUp);
      tell(child, { id, key, request, isNew });
    });
  }

  #started(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const child = fork(packageFile('dist/judge/messenger-process.js'), [], {
      // Its end is its own: neither Ctrl-C nor a kill of our group reaches it, and it holds nothing of ours open.
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const gone = () => {
      if (this.#child !== child) return;
      this.#child = undefined;
      for (const settle of [...this.#waiting.values()]) settle(ENDED);
    };
    child.on('message', ({ id, result }: Brought) => this.#waiting.get(id)?.(result));
    child.on('error', gone);
    child.on('exit', gone);
    this.#child = child;
    tell(child, this.#open);
    return child;
  }
}

/** Whether this process stays for the other's sake. */
function hold(child: ChildProcess, stay: boolean): void {
  for (const handle of [child, child.channel]) stay ? handle?.ref() : handle?.unref();
}

/** One that has ended is heard of by its end. */
function tell(child: ChildProcess, errand: Errand): void {
  child.send(errand, () => {});
}
