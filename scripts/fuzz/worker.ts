/** A child that reads the inputs it is told, one after the other, and says how each ended. */
import { VauError } from '../../src/system/errors.js';
import { READERS } from './readers.js';

export interface Task {
  kind: string;
  folder: string;
}

/** `null`: it was read, or refused with a code. */
export interface Answer {
  finding: string | null;
  code: string;
}

const answer = (message: Answer) => process.send!(message);

const raw = (error: unknown): Answer => ({
  finding: error instanceof Error ? (error.stack ?? String(error)).split('\n').slice(0, 8).join('\n') : String(error),
  code: 'raw',
});

process.on('uncaughtException', (error) => answer(raw(error)));
process.on('message', ({ kind, folder }: Task) => {
  READERS[kind]!(folder).then(
    () => answer({ finding: null, code: 'read' }),
    (error: unknown) => answer(error instanceof VauError ? { finding: null, code: error.code } : raw(error)),
  );
});
process.on('disconnect', () => process.exit());
