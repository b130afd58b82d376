import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { dependentEnvironment } from '../parent-process.js';

/** One process to run. */
export interface Job {
  name: string;
  /** Program and arguments. */
  command: string[];
  /** Gets all that the process prints. */
  log: string;
}

export type JobResult = 'done' | 'failed' | 'interrupted';

/**
 * Runs jobs as processes of their own, `parallel` at a time. A job that fails does not hold up the others. What the
 * processes print is handed to `print` line by line, with the name of the job before it.
 */
export class Runner {
  readonly #parallel: number;
  readonly #print: (line: string) => void;
  readonly #running = new Set<ChildProcess>();
  #stopped = false;

  constructor({ parallel, print }: { parallel: number; print: (line: string) => void }) {
    this.#parallel = parallel;
    this.#print = print;
  }

  /** Starts no more jobs and asks those that run to stop; asked again, they leave at once. */
  stop(): void {
    this.#stopped = true;
    for (const child of this.#running) child.kill('SIGINT');
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** @returns how each job ended, in the order of the jobs */
  async run(jobs: Job[]): Promise<JobResult[]> {
    const results = jobs.map((): JobResult => 'interrupted');
    const queue = jobs.entries();
    const worker = async () => {
      for (const [i, job] of queue) {
        if (this.#stopped) return;
        this.#print(`${job.name}: started, ${i + 1} of ${jobs.length}`);
        results[i] = await this.#runOne(job);
        this.#print(`${job.name}: ${results[i]}`);
      }
    };
    await Promise.all(Array.from({ length: this.#parallel }, worker));
    return results;
  }

  async #runOne({ name, command: [program, ...args], log }: Job): Promise<JobResult> {
    await mkdir(dirname(log), { recursive: true });
    const file = createWriteStream(log, { flags: 'a' });
    // In a group of its own: Ctrl-C reaches it once, by way of `stop`, and not also from the terminal.
    const child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: dependentEnvironment(),
    });
    this.#running.add(child);
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        file.write(`${line}\n`);
        this.#print(`${name}: ${line}`);
      });
    const code = await new Promise<number | null>((resolve) => {
      child.on('close', resolve);
      child.on('error', ({ message }) => {
        this.#print(`${name}: ${message}`);
        resolve(1);
      });
    });
    this.#running.delete(child);
    await new Promise<void>((resolve) => file.end(resolve));
    if (code === 0) return 'done';
    return this.#stopped ? 'interrupted' : 'failed';
  }
}
