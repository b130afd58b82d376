import { spawn } from 'node:child_process';
import { SetupError } from '../../system/errors.js';

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
export const runTool = ({ command, args, env, timeout, show = false }: ToolCall): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      // Our own standard output is for results, so a progress bar goes to standard error.
      stdio: ['ignore', show ? 2 : 'pipe', 'pipe'],
      windowsHide: true,
    });
    // Not spawn's own `timeout`: its timer outlives a command that could not be started.
    const timer = timeout === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeout);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const missing = cause.code === 'ENOENT';
      reject(
        new ToolError({ message: `${command}: ${missing ? 'is not on the PATH' : cause.message}`, missing, cause }),
      );
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(Buffer.concat(stdout).toString());
      const said = Buffer.concat(stderr).toString();
      const reason = lastLine(said) ?? (signal === null ? `exit code ${code}` : `killed by ${signal}`);
      reject(new ToolError({ message: `${command}: ${reason}`, signal, stderr: said }));
    });
  });

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
