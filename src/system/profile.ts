import { type Column, table } from './table.js';

/** A stretch of time on the computing thread. */
export interface Span {
  name: string;
  /** A phase of a step, or an operation in it. */
  kind: 'phase' | 'operation';
  /** Milliseconds; `start` from an origin that all spans share. */
  start: number;
  duration: number;
  /** What else is known, such as the shapes of an operation's results. */
  detail?: string;
}

/** Operations that are matrix products, or the share of a larger one that is. */
const PRODUCTS = /MatMul|Products$/;

/** The spans of some steps, as they were measured. The first step warms up and is not among them. */
export class Profile {
  readonly spans: Span[] = [];
  readonly #steps: number;
  readonly #onDone: (profile: Profile) => void;
  #begun = 0;
  #isDone = false;

  /** @param onDone is called once, after so many steps or at the end of a shorter run, unless nothing was recorded */
  constructor({ steps, onDone }: { steps: number; onDone: (profile: Profile) => void }) {
    this.#steps = steps;
    this.#onDone = onDone;
  }

  get isOn(): boolean {
    return this.#begun > 1 && !this.#isDone;
  }

  beginStep(): void {
    if (this.#begun > this.#steps) this.end();
    else this.#begun += 1;
  }

  end(): void {
    if (this.isOn) this.#onDone(this);
    this.#isDone = true;
  }

  add(span: Span): void {
    if (this.isOn) this.spans.push(span);
  }

  /** For chrome://tracing or Perfetto: the Trace Event Format, in microseconds. */
  chromeTrace(): string {
    const traceEvents = this.spans.map(({ name, kind, start, duration, detail }) => ({
      name,
      cat: kind,
      ph: 'X',
      ts: start * 1000,
      dur: duration * 1000,
      pid: 1,
      tid: 1,
      args: detail === undefined ? {} : { detail },
    }));
    return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
  }

  /** Time by operation and phase, as a text table in milliseconds a step. */
  summary(): string {
    const steps = this.#begun - 1;
    const phases = this.spans.filter(({ kind }) => kind === 'phase');
    const phaseOf = ({ start }: Span) =>
      phases.find((phase) => start >= phase.start && start < phase.start + phase.duration)?.name ?? 'rest';
    const names = [...new Set(phases.map(({ name }) => name))];
    const rows = new Map<string, { calls: number; byPhase: Map<string, number> }>();
    const add = (name: string, phase: string, duration: number, calls: number) => {
      const row = rows.get(name) ?? { calls: 0, byPhase: new Map() };
      row.calls += calls;
      row.byPhase.set(phase, (row.byPhase.get(phase) ?? 0) + duration);
      rows.set(name, row);
    };
    const outside = new Map(names.map((name) => [name, 0]));
    for (const { name, duration } of phases) outside.set(name, outside.get(name)! + duration);
    for (const span of this.spans) {
      if (span.kind === 'phase') continue;
      const phase = phaseOf(span);
      add(span.name, phase, span.duration, 1);
      if (outside.has(phase)) outside.set(phase, outside.get(phase)! - span.duration);
    }
    for (const [phase, duration] of outside) add('(between operations)', phase, duration, 0);

    const total = ({ byPhase }: { byPhase: Map<string, number> }) =>
      [...byPhase.values()].reduce((sum, x) => sum + x, 0);
    const all = [...rows.values()].reduce((sum, row) => sum + total(row), 0);
    const products = [...rows].reduce((sum, [name, row]) => sum + (PRODUCTS.test(name) ? total(row) : 0), 0);
    const number = (x: number) => (x === 0 ? '' : (x / steps).toFixed(1));
    const columns: Column[] = [
      { title: 'operation' },
      ...['calls', ...names, 'ms a step', 'share'].map((title): Column => ({ title, align: 'right' })),
    ];
    const lines = [...rows]
      .sort(([, a], [, b]) => total(b) - total(a))
      .map(([name, row]) => [
        name,
        row.calls === 0 ? '' : (row.calls / steps).toFixed(0),
        ...names.map((phase) => number(row.byPhase.get(phase) ?? 0)),
        number(total(row)),
        percent(total(row) / all),
      ]);
    return `${table({ columns, rows: lines })}\n${percent(products / all)} of the time is in matrix products\n`;
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
