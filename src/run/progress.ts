import { SingleBar } from 'cli-progress';

/** Shows people how far a long job is. `done` and `total` count the same things (steps, samples, bytes). */
export interface Progress {
  /** @param done where the job starts, if it does not start at 0 */
  start(total: number, label: string, done?: number): void;
  /**
   * @param fields what else is worth seeing, e.g. `{ reward: '1.42' }`
   * @param seen all there is, for who has room for it
   */
  update(done: number, fields?: Record<string, string | number>, seen?: Seen): void;
  stop(): void;
}

/** What a step has come to. */
export interface Seen {
  metrics: Record<string, number | null>;
  /** One of its completions. */
  text?: string;
}

interface ProgressOptions {
  stream?: NodeJS.WriteStream;
  /** Milliseconds; a test's own. */
  clock?: () => number;
}

/** Shows nothing: another process does. */
export const silentProgress: Progress = { start: () => {}, update: () => {}, stop: () => {} };

/** A bar on a terminal; elsewhere a plain line every five seconds at most. Both go to standard error. */
export function createProgress({ stream = process.stderr, clock = Date.now }: ProgressOptions = {}): Progress {
  return stream.isTTY ? new Bar(stream, clock) : new Lines(stream, clock);
}

/** Speed over the last while, so that a slow first step (or a resumed run) does not spoil the estimate. */
export class Pace {
  readonly #clock: () => number;
  #marks: { at: number; done: number }[] = [];

  constructor(clock: () => number, done: number) {
    this.#clock = clock;
    this.#marks.push({ at: clock(), done });
  }

  mark(done: number): void {
    if (this.#marks.at(-1)!.done === done) return;
    this.#marks.push({ at: this.#clock(), done });
    if (this.#marks.length > 30) this.#marks.shift();
  }

  /** `0.52/s, 3m20s left` */
  describe(done: number, total: number): string {
    this.mark(done);
    const [first, last] = [this.#marks[0]!, this.#marks.at(-1)!];
    const rate = ((last.done - first.done) * 1000) / (last.at - first.at);
    if (!(rate > 0) || rate === Number.POSITIVE_INFINITY) return '';
    return `${formatRate(rate)}, ${formatDuration((total - done) / rate)} left`;
  }
}

class Bar implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #bar: SingleBar;
  readonly #clock: () => number;
  #pace: Pace;
  #total = 0;

  constructor(stream: NodeJS.WriteStream, clock: () => number) {
    this.#stream = stream;
    this.#clock = clock;
    this.#pace = new Pace(clock, 0);
    const format = '{label} {bar} {value}/{total}  {pace}  {fields}';
    this.#bar = new SingleBar({
      stream,
      format,
      barsize: 24,
      hideCursor: true,
      barCompleteChar: '━',
      barIncompleteChar: '─',
    });
  }

  start(total: number, label: string, done = 0): void {
    this.#total = total;
    this.#pace = new Pace(this.#clock, done);
    this.#bar.start(total, done, { label, pace: '', fields: '' });
  }

  update(done: number, fields: Record<string, string | number> = {}): void {
    this.#bar.update(done, { pace: this.#pace.describe(done, this.#total), fields: formatFields(fields) });
  }

  stop(): void {
    // The bar goes back to where the cursor was saved: to this line, not to the one in which it started, since warnings
    // may have been printed in between.
    this.#stream.write('\x1b7');
    this.#bar.stop();
  }
}

class Lines implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #clock: () => number;
  #pace: Pace;
  #total = 0;
  #label = '';
  #printedAt = Number.NEGATIVE_INFINITY;
  #unprinted: string | undefined;

  constructor(stream: NodeJS.WriteStream, clock: () => number) {
    this.#stream = stream;
    this.#clock = clock;
    this.#pace = new Pace(clock, 0);
  }

  start(total: number, label: string, done = 0): void {
    this.#total = total;
    this.#label = label;
    this.#pace = new Pace(this.#clock, done);
    this.#printedAt = Number.NEGATIVE_INFINITY;
    this.#unprinted = undefined;
  }

  update(done: number, fields: Record<string, string | number> = {}): void {
    const parts = [
      `${this.#label} ${done}/${this.#total}`,
      this.#pace.describe(done, this.#total),
      formatFields(fields),
    ];
    this.#unprinted = parts.filter((part) => part !== '').join('  ');
    if (this.#clock() - this.#printedAt >= 5000) this.#print();
  }

  /** The last state is always seen. */
  stop(): void {
    if (this.#unprinted !== undefined) this.#print();
  }

  #print(): void {
    this.#stream.write(`${this.#unprinted}\n`);
    this.#unprinted = undefined;
    this.#printedAt = this.#clock();
  }
}

function formatFields(fields: Record<string, string | number>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    .join('  ');
}

function formatRate(perSecond: number): string {
  return perSecond >= 0.1 ? `${Number(perSecond.toPrecision(2))}/s` : `${formatDuration(1 / perSecond)} each`;
}

/** Seconds as `12s`, `3m20s`, `2h05m`. */
export function formatDuration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`;
}
