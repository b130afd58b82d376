import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { putInPlace } from '../system/put-in-place.js';

/** A reply as it was kept. */
export interface KeptReply {
  content: string;
  usage: Usage;
}

/** Tokens, as the server counts them. */
export interface Usage {
  input: number;
  output: number;
}

/**
 * Replies on the disk, by what was asked: the same question to the same model is asked once, whoever asks and whenever.
 * A file that is damaged is as good as none.
 */
export class ReplyCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param question all that decides about the reply */
  static key(question: unknown): string {
    return createHash('sha256').update(JSON.stringify(question)).digest('hex');
  }

  async get(key: string): Promise<KeptReply | undefined> {
    try {
      const kept = JSON.parse(await readFile(this.#file(key), 'utf8')) as KeptReply;
      return typeof kept.content === 'string' && typeof kept.usage?.input === 'number' ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  /** What is held by whoever asks for it. */
  lockFile(key: string): string {
    return `${this.#file(key)}.lock`;
  }

  async put(key: string, { content, usage }: KeptReply): Promise<void> {
    const file = this.#file(key);
    await mkdir(path.dirname(file), { recursive: true });
    // Whole or not there, whoever kills us; what a power cut takes is asked anew.
    await putInPlace({ place: file, make: (beside) => writeFile(beside, `${JSON.stringify({ content, usage })}\n`) });
  }

  #file(key: string): string {
    return path.join(this.#folder, key.slice(0, 2), `${key}.json`);
  }
}
