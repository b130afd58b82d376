import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Answer, Task } from './worker.js';

/** What one input may take. */
export interface Limits {
  /** Of processor time, which a busy machine does not lengthen. */
  seconds: number;
  /** On the clock: for what waits and does not work. */
  wallSeconds: number;
  bytes: number;
}

/** Inputs after which a child is replaced, so that what one leaves behind is not laid to another. */
const LIFE = 500;

/** A child process for readers; it is killed when an input takes too long or too much, and the next gets a fresh one. */
export class Reader {
  readonly #worker: URL;
  readonly #limits: Limits;
  #child: ChildProcess | undefined;
  #left = 0;

  /** @param worker answers each `Task` that it is sent with an `Answer` */
  constructor({ worker, limits }: { worker: URL; limits: Limits }) {
    this.#worker = worker;
    this.#limits = limits;
  }

  async read(task: Task): Promise<Answer> {
    const child = this.#ready();
    const answer = await new Promise<Answer>((resolve) => {
      let isDone = false;
      const done = (result: Answer) => {
        isDone = true;
        clearTimeout(timer);
        clearInterval(watch);
        child.off('message', done);
        child.off('exit', died);
        resolve(result);
      };
      const kill = (finding: string) => {
        if (isDone) return;
        child.kill('SIGKILL');
        done({ finding, code: 'killed' });
      };
      const died = (code: number | null, signal: string | null) =>
        done({ finding: `the process ended with ${signal ?? code}`, code: 'died' });
      const { seconds, wallSeconds, bytes } = this.#limits;
      // Not before a turn for its answer, which may wait while this process makes the next input.
      const late = () => setImmediate(() => kill(`not done after ${wallSeconds} s`));
      const timer = setTimeout(late, wallSeconds * 1000);
      const start = processorSeconds(child.pid!);
      const watch = setInterval(() => {
        if (processorSeconds(child.pid!) - start > seconds) kill(`takes more than ${seconds} s of processor time`);
        else if (residentBytes(child.pid!) > bytes) kill(`takes more than ${bytes / 2 ** 30} GiB of memory`);
      }, 50);
      child.on('message', done);
      child.on('exit', died);
      child.send(task);
    });
    this.#left -= 1;
    if (answer.finding !== null || this.#left === 0) this.close();
    return answer;
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #ready(): ChildProcess {
    if (this.#child === undefined) {
      const megabytes = Math.floor(this.#limits.bytes / 2 ** 20);
      this.#child = fork(this.#worker, {
        execArgv: [`--max-old-space-size=${megabytes}`],
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      this.#left = LIFE;
    }
    return this.#child;
  }
}

/** 0 where the system does not tell it in /proc. */
function residentBytes(pid: number): number {
  return Number(/VmRSS:\s*(\d+)/.exec(procFile(pid, 'status'))?.[1] ?? 0) * 1024;
}

/** Of all threads, to a hundredth; 0 where the system does not tell it in /proc. */
function processorSeconds(pid: number): number {
  // After the name in brackets: the state is field 3, the times in and for the program are 14 and 15.
  const [user, system] = procFile(pid, 'stat').split(') ').at(-1)!.split(' ').slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / 100;
}

function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
