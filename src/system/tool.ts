import { execa } from 'execa';
import { SetupError } from './errors.js';

/** Takes the lines that say what is going on. */
export type Report = (line: string) => void;

export interface ToolCall {
  /** A path, or a name that is looked up on the `PATH`. */
  command: string;
  args: readonly string[];
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv;
  /** The tool is killed after so many milliseconds. */
  timeout?: number;
  /** Shows what the tool prints on our standard error, for its own progress bar; it is then not returned. */
  show?: boolean;
}

/** A tool that is not there, was killed, or ended with an error. */
export class ToolError extends SetupError {
  /** The tool is not on the `PATH`. */
  readonly missing: boolean;
  readonly signal: NodeJS.Signals | null;
  /** All that it wrote on standard error. */
  readonly stderr: string;

  constructor({ message, missing = false, signal = null, stderr = '', cause }: ToolFailure) {
    super({ code: 'SETUP_TOOL_FAILED', message, cause });
    this.missing = missing;
    this.signal = signal;
    this.stderr = stderr;
  }
}

interface ToolFailure {
  message: string;
  missing?: boolean;
  signal?: NodeJS.Signals | null;
  stderr?: string;
  cause?: unknown;
}

/**
 * Runs a tool to its end and gives what it wrote on standard output.
 *
 * @throws ToolError if it cannot be started or fails; the message ends with the last line that it wrote.
 */
export async function runTool({ command, args, env, timeout, show = false }: ToolCall): Promise<string> {
  const { failed, code, exitCode, signal, stdout, stderr, originalMessage, cause } = await execa(command, args, {
    env,
    timeout,
    killSignal: 'SIGKILL',
    stdin: 'ignore',
    // Our own standard output is for results, so a progress bar goes to standard error.
    stdout: show ? 2 : 'pipe',
    stripFinalNewline: false,
    reject: false,
    // It would take part in how this process hears of signals.
    cleanup: false,
  });
  if (!failed) return stdout ?? '';
  if (exitCode === undefined && signal === undefined) {
    const missing = code === 'ENOENT';
    const message = `${command}: ${missing ? 'is not on the PATH' : originalMessage}`;
    throw new ToolError({ message, missing, cause });
  }
  const reason = lastLine(stderr) ?? (signal === undefined ? `exit code ${exitCode}` : `killed by ${signal}`);
  throw new ToolError({ message: `${command}: ${reason}`, signal, stderr });
}

/** Tools write pages; the last error, or else the last line that is not empty, says what went wrong. */
const lastLine = (text: string): string | undefined => {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.findLast((line) => /\berror\b/i.test(line)) ?? lines.findLast((line) => line !== '');
};

/** Whether a tool is there and `args` make it end well. */
export const toolWorks = async (command: string, args: readonly string[]): Promise<boolean> => {
  try {
    await runTool({ command, args, timeout: 30_000 });
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
};
