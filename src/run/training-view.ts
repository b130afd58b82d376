import { clearScreenDown, moveCursor } from 'node:readline';
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { formatBytes } from '../system/bytes.js';
import type { TextStream } from './log.js';
import { createProgress, Pace, type Progress, type Seen } from './progress.js';
import { sparkline } from './sparkline.js';

/** Milliseconds between two pictures: more is not seen, and costs the run. */
const EVERY = 250;
/** Columns of names and numbers, and terms that are shown. */
const [NAME, VALUE, TERMS] = [16, 9, 6];
/** Lines of a completion. */
const SAID_LINES = 2;
const ESCAPE = String.fromCharCode(27);

/** How training goes, on the terminal; and where else to write to it, so that both stay readable. */
export interface TrainingProgress extends Progress {
  stderr: TextStream;
}

/** On a terminal a view of several lines that is drawn over and over; elsewhere plain lines. */
export function createTrainingProgress({
  stream = process.stderr,
  clock = Date.now,
  env = process.env,
}: {
  stream?: NodeJS.WriteStream;
  clock?: () => number;
  env?: NodeJS.ProcessEnv;
} = {}): TrainingProgress {
  if (!stream.isTTY || env.TERM === 'dumb') return Object.assign(createProgress({ stream, clock }), { stderr: stream });
  return new TrainingView({ stream, clock, color: (env.NO_COLOR ?? '') === '' });
}

class TrainingView implements TrainingProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #clock: () => number;
  readonly #color: boolean;
  readonly #history = new Map<string, (number | null)[]>();
  #pace: Pace;
  #title = '';
  #total = 0;
  #done = 0;
  #seen: Seen | undefined;
  #warning = '';
  /** Lines that stand on the terminal, and when they were drawn. */
  #drawn = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(args: { stream: NodeJS.WriteStream; clock: () => number; color: boolean }) {
    this.#stream = args.stream;
    this.#clock = args.clock;
    this.#color = args.color;
    this.#pace = new Pace(args.clock, 0);
  }

  /** What is written here stands above the view, and the last of it in it. */
  readonly stderr: TextStream = {
    isTTY: true,
    write: (text: string) => {
      this.#clear();
      this.#stream.write(text);
      const last = plain(text).trim();
      if (/^(warning|error)\b/.test(last)) this.#warning = last;
      if (this.#seen !== undefined) this.#draw();
    },
  };

  start(total: number, label: string, done = 0): void {
    [this.#total, this.#title, this.#done] = [total, label, done];
    this.#pace = new Pace(this.#clock, done);
  }

  update(done: number, _fields: Record<string, string | number> = {}, seen?: Seen): void {
    this.#done = done;
    this.#seen = seen;
    for (const [name, value] of Object.entries(seen?.metrics ?? {})) {
      const known = this.#history.get(name);
      if (known) known.push(value);
      else this.#history.set(name, [value]);
    }
    this.#pace.mark(done);
    if (this.#clock() - this.#drawnAt < EVERY) return;
    this.#clear();
    this.#draw();
  }

  /** The last state stays. */
  stop(): void {
    if (this.#seen === undefined) return;
    this.#clear();
    this.#draw();
    // What is written from now on stands below.
    this.#drawn = 0;
    this.#seen = undefined;
  }

  #clear(): void {
    if (this.#drawn === 0) return;
    moveCursor(this.#stream, -this.#columns, -this.#drawn);
    clearScreenDown(this.#stream);
    this.#drawn = 0;
  }

  get #columns(): number {
    return this.#stream.columns || 80;
  }

  #draw(): void {
    const lines = this.#lines().map((line) => cut(line, this.#columns - 1));
    this.#stream.write(lines.map((line, i) => `${this.#painted(line, i)}\n`).join(''));
    this.#drawn = lines.length;
    this.#drawnAt = this.#clock();
  }

  #painted(line: string, i: number): string {
    if (!this.#color) return line;
    if (i === 0) return styleText('bold', line, { validateStream: false });
    return line.startsWith('! ') ? styleText('yellow', line, { validateStream: false }) : line;
  }

  #lines(): string[] {
    const metrics = this.#seen?.metrics ?? {};
    const rewards = [...this.#history.keys()].filter((name) => /^rewards\/.+\/mean$/.test(name)).slice(0, TERMS);
    const shown = ['reward' in metrics ? 'reward' : 'loss', ...rewards];
    const rate = this.#rate();
    const numbers = [
      ...(rate === undefined ? [] : [`${Math.round(rate)} tokens/s`]),
      ...(typeof metrics['memory/rss_bytes'] === 'number' ? [formatBytes(metrics['memory/rss_bytes'])] : []),
      ...NUMBERS.flatMap(([name, label, write]) => {
        const value = metrics[name];
        return typeof value === 'number' ? [`${label} ${write(value)}`] : [];
      }),
    ];
    const said = plain(this.#seen?.text ?? '').replaceAll(/\s+/g, ' ');
    return [
      `${this.#title}  ${this.#done}/${this.#total}  ${this.#pace.describe(this.#done, this.#total)}`,
      ...shown.map((name) => this.#row(name)),
      numbers.join('  '),
      ...(said === '' ? [] : folded(`“${said}”`, this.#columns - 1, SAID_LINES)),
      ...(this.#warning === '' ? [] : [`! ${this.#warning}`]),
    ];
  }

  #row(name: string): string {
    const values = this.#history.get(name) ?? [];
    const label = name.replace(/^rewards\/(.+)\/mean$/, '$1');
    const room = Math.max(8, this.#columns - 1 - NAME - VALUE - 2);
    const value = values.at(-1);
    return `${cut(label, NAME).padEnd(NAME)}${digits(value ?? null).padStart(VALUE)}  ${sparkline(values, room)}`;
  }

  /** Tokens a second over the last steps. */
  #rate(): number | undefined {
    const tokens = this.#history.get('num_tokens') ?? [];
    const times = this.#history.get('time/step_s') ?? [];
    const [last, before] = [tokens.at(-1), tokens.at(-6)];
    if (typeof last !== 'number' || typeof before !== 'number') return undefined;
    return (last - before) / times.slice(-5).reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0);
  }
}

const NUMBERS: [string, string, (value: number) => string][] = [
  ['kl', 'kl', digits],
  ['entropy', 'entropy', digits],
  ['completions/mean_length', 'length', digits],
  ['completions/truncated', 'cut off', (value) => `${Math.round(100 * value)} %`],
];

function digits(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)));
}

/** What a model or a server says cannot move the cursor, nor turn the line around. */
const plain = (text: string): string =>
  text.replaceAll(new RegExp(`${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]`, 'g'), '').replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ');

/** As much of a text as has room, by the width of its characters. */
function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let made = '';
  let width = 0;
  for (const character of text) {
    width += stringWidth(character);
    if (width > columns - 1) break;
    made += character;
  }
  return `${made}…`;
}

function folded(text: string, columns: number, most: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest !== '' && lines.length < most - 1 && stringWidth(rest) > columns) {
    const line = cut(rest, columns + 1).slice(0, -1);
    lines.push(line);
    rest = rest.slice(line.length);
  }
  return rest === '' ? lines : [...lines, rest];
}
