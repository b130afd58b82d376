import { recordsByStep } from '../run/jsonl.js';
import type { RunFolder } from '../run/run-folder.js';
import { memoryLimit } from '../system/memory-limit.js';
import { advise, type RunSoFar } from './advice.js';
import type { Metrics } from './metrics.js';

/** Steps between two looks at the run. */
const EVERY = 20;

/** Gives advice while a run goes on, each piece once. */
export class Adviser {
  readonly #config: RunSoFar['config'];
  readonly #folder: RunFolder;
  readonly #metrics: Metrics[];
  readonly #told = new Set<string>();

  private constructor(config: RunSoFar['config'], folder: RunFolder, metrics: Metrics[]) {
    this.#config = config;
    this.#folder = folder;
    this.#metrics = metrics;
  }

  /** With what was measured before the step that the run goes on after. */
  static async open(args: { config: RunSoFar['config']; folder: RunFolder; step: number }): Promise<Adviser> {
    const { config, folder, step } = args;
    const before = [...(await recordsByStep(folder.metrics)).values()] as Metrics[];
    const metrics = before.filter((line) => (line.step ?? 0) <= step);
    return new Adviser(config, folder, metrics);
  }

  /** After a step. @returns what people should be told */
  async observe(metrics: Metrics): Promise<string[]> {
    this.#metrics.push(metrics);
    if ((metrics.step ?? 0) % EVERY !== 0) return [];
    const evaluations = [...(await recordsByStep(this.#folder.evaluations)).values()];
    const memory = memoryLimit();
    return advise({ config: this.#config, metrics: this.#metrics, evaluations, memory }).flatMap((advice) => {
      if (advice.kind === 'note' || this.#told.has(advice.id)) return [];
      this.#told.add(advice.id);
      return `${advice.finding}: ${advice.cause}. What helps: ${advice.remedy}`;
    });
  }
}
