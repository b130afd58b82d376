import type { ProcessGroup } from '../../src/parallel/process-group.js';
import { add } from '../../src/tensor/ops.js';
import { keep, scope, type Tensor } from '../../src/tensor/tensor.js';

/** A group whose members stand in one process and meet where they wait. By rank. */
export function inMemoryGroup(size: number): ProcessGroup[] {
  const table = new Table(size);
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    version: 'in memory',
    gather: async (values) => (await table.meet(rank, values)).map((own) => own.slice()),
    broadcast: async (values) => {
      const [first] = await table.meet(rank, values);
      if (rank > 0) values.set(first!);
      await table.meet(rank, null);
    },
    sumGradients: async (names, gradients) => {
      const all = await table.meet(rank, gradients);
      const sums = names.map((name) => sumOf(all.map((own) => own.get(name)!)));
      // Nobody's gradients are gone before the others have added them up.
      await table.meet(rank, null);
      for (const [i, name] of names.entries()) {
        gradients.get(name)!.dispose();
        gradients.set(name, sums[i]!);
      }
    },
    fail: (reason) => table.fail(reason),
    close: async () => {},
  }));
}

/** By rank, of two or more. */
const sumOf = (parts: Tensor[]): Tensor => scope(() => keep(parts.reduce((sum, part) => add(sum, part))));

interface Meeting {
  brought: unknown[];
  count: number;
  resolve: () => void;
  reject: (reason: unknown) => void;
  isOver: Promise<void>;
}

/** Where all members come, in the same order, and see what each brings. */
class Table {
  readonly #size: number;
  readonly #meetings: Meeting[] = [];
  readonly #visits: number[];
  #failure: { reason: unknown } | null = null;

  constructor(size: number) {
    this.#size = size;
    this.#visits = Array<number>(size).fill(0);
  }

  async meet<T>(rank: number, value: T): Promise<T[]> {
    if (this.#failure !== null) throw this.#failure.reason;
    const meeting = this.#at(this.#visits[rank]!++);
    meeting.brought[rank] = value;
    meeting.count += 1;
    if (meeting.count === this.#size) meeting.resolve();
    await meeting.isOver;
    return meeting.brought as T[];
  }

  fail(reason: unknown): void {
    this.#failure ??= { reason };
    for (const { reject } of this.#meetings) reject(reason);
  }

  #at(index: number): Meeting {
    const known = this.#meetings[index];
    if (known !== undefined) return known;
    let resolve!: () => void;
    let reject!: (reason: unknown) => void;
    const isOver = new Promise<void>((whenOver, whenFailed) => {
      resolve = whenOver;
      reject = whenFailed;
    });
    isOver.catch(() => {});
    this.#meetings[index] = { brought: Array(this.#size), count: 0, resolve, reject, isOver };
    return this.#meetings[index];
  }
}
