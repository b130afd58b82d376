import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { runDependent } from '../system/dependent.js';
import { UsageError } from '../system/errors.js';
import { takeLock } from '../system/lock.js';
import type { StopSignals } from '../system/stop-signals.js';

/** One process to run. */
export interface Job {
  name: string;
  /** Program and arguments. */
  command: string[];
  /** Gets all that the process prints. */
  log: string;
  /** Where several machines take what is left; left out: nobody else is there. */
  claim?: Claim;
}

/** A job that another machine may take, or have done, since it was put down. */
interface Claim {
  /** A lock that whoever does it holds. */
  lock: string;
  /** What is to be run now; null: it is done. */
  command: () => Promise<string[] | null>;
}

export interface JobResult {
  /** `elsewhere`: another machine is at it, or has done it. */
  end: 'done' | 'failed' | 'interrupted' | 'elsewhere';
  /** The last thing that it said. */
  said?: string;
}

/**
 * Runs jobs as processes of their own, `parallel` at a time. A job that fails does not hold up the others. What the
 * processes print is handed to `print` line by line, with the name of the job before it.
 */
export class Runner {
  readonly #parallel: number;
  readonly #print: (line: string) => void;
  readonly #stop: StopSignals;
  readonly #env: NodeJS.ProcessEnv;

  /**
   * @param env of the processes, beside this one's
   * @param stop starts no more jobs and is passed on to those that run
   */
  constructor(args: { parallel: number; env?: NodeJS.ProcessEnv; print: (line: string) => void; stop: StopSignals }) {
    this.#parallel = args.parallel;
    this.#env = args.env ?? {};
    this.#print = args.print;
    this.#stop = args.stop;
  }

  get stopped(): boolean {
    return this.#stop.finish.aborted;
  }

  /** @returns how each job ended, in the order of the jobs */
  async run(jobs: Job[]): Promise<JobResult[]> {
    const results = jobs.map((): JobResult => ({ end: 'interrupted' }));
    const queue = jobs.entries();
    const worker = async () => {
      for (const [i, job] of queue) {
        if (this.stopped) return;
        results[i] = await whileClaimed(job, async (command) => {
          this.#print(`${job.name}: started, ${i + 1} of ${jobs.length}`);
          const result = await this.#runOne({ ...job, command });
          this.#print(`${job.name}: ${result.end}`);
          return result;
        });
      }
    };
    await Promise.all(Array.from({ length: this.#parallel }, worker));
    return results;
  }

  /** Runs all at once, however many. @returns how each ended */
  beside(jobs: Job[]): Promise<JobResult[]> {
    return Promise.all(jobs.map((job) => this.#runOne(job)));
  }

  async #runOne({ name, command, log }: Job): Promise<JobResult> {
    await mkdir(dirname(log), { recursive: true });
    const file = createWriteStream(log, { flags: 'a' });
    let said: string | undefined;
    const print = (line: string) => {
      said = line.trim() || said;
      file.write(`${line}\n`);
      this.#print(`${name}: ${line}`);
    };
    try {
      const { code } = await runDependent({
        command,
        stop: this.#stop,
        env: this.#env,
        stdio: ['ignore', 'pipe', 'pipe'],
        onStart: ({ stdout, stderr }) => {
          for (const stream of [stdout, stderr]) createInterface({ input: stream! }).on('line', print);
        },
      });
      if (code === 0) return { end: 'done', said };
    } catch (error) {
      print((error as Error).message);
    } finally {
      await new Promise<void>((resolve) => file.end(resolve));
    }
    return { end: this.stopped ? 'interrupted' : 'failed', said };
  }
}

/** Runs a job while nobody else can take it; not at all where somebody who lives is at it, or has done it. */
async function whileClaimed(
  { claim, command }: Job,
  task: (command: string[]) => Promise<JobResult>,
): Promise<JobResult> {
  if (claim === undefined) return await task(command);
  const release = await taken(claim.lock);
  if (release === null) return { end: 'elsewhere' };
  try {
    // Only now does nobody else change what it is about.
    const now = await claim.command();
    return now === null ? { end: 'elsewhere' } : await task(now);
  } finally {
    await release();
  }
}

/** @returns what gives the lock back; null where somebody who lives holds it */
async function taken(file: string): Promise<(() => Promise<void>) | null> {
  try {
    return await takeLock({ file });
  } catch (error) {
    if (error instanceof UsageError && error.code === 'RUN_LOCKED') return null;
    throw error;
  }
}
