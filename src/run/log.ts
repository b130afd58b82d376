import { destination, type Logger, multistream, pino } from 'pino';
import { secretScrubbers } from '../system/secrets.js';

/** Where the readable lines go: standard error, or a test's stand-in. */
export interface TextStream {
  write(text: string): unknown;
  isTTY?: boolean;
}

/**
 * A logger that writes JSON lines to `file` (appending, if one is given) and a readable line to `stderr` for each
 * warning and error. Secrets never reach either.
 */
export function createLog({
  file,
  stderr = process.stderr,
  env = process.env,
}: {
  file?: string;
  stderr?: TextStream;
  env?: NodeJS.ProcessEnv;
}): Logger {
  const { messages: scrub } = secretScrubbers(env);
  const readable = {
    level: 'warn',
    stream: { write: (line: string) => void stderr.write(toReadable(scrub(line), stderr)) },
  };
  // Written synchronously: the lines before a crash are the ones that matter.
  const disk = file === undefined ? undefined : destination({ dest: file, append: true, mkdir: true, sync: true });
  // A full disk is not the log's to report: what has to be kept fails as well, and stops the run with its reason.
  disk?.on('error', () => {});
  const json = disk && { level: 'debug', stream: { write: (line: string) => void disk.write(scrub(line)) } };
  return pino(
    { level: 'debug', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    multistream(json ? [json, readable] : [readable]),
  );
}

function toReadable(line: string, stream: TextStream): string {
  const { level, msg, err } = JSON.parse(line) as { level: number; msg?: string; err?: { message: string } };
  const text = `${level >= 50 ? 'error' : 'warning'}: ${msg ?? err?.message ?? line}\n`;
  // A progress bar may stand in the current line: it is overwritten, and drawn again below by its next update.
  return stream.isTTY ? `\r\x1b[K${text}` : text;
}
