import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { VauError } from './errors.js';
import { startedByNohup } from './hangup.js';
import { findStarter, isWhole, pendingSignal, type Starter } from './starter.js';

/** What is aborted when somebody asks this process to stop, with a `VauError` `INTERRUPTED` as the reason. */
export interface StopSignals {
  /** Finish what is at hand, save, and leave. */
  finish: AbortSignal;
  /** Leave at once. */
  leave: AbortSignal;
}

/** From people and from whoever stands for them (`docker stop`, `timeout`): asked twice, they mean at once. */
const COMMANDS = ['SIGINT', 'SIGTERM'] as const;
/** A lost terminal, which may say so more than once, and what clusters send before time is up. */
const WARNINGS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const;
type Ask = (typeof COMMANDS)[number] | (typeof WARNINGS)[number] | 'starter';

/** One Ctrl-C may reach us twice: from the terminal or `timeout` to the whole group and by way of the parent. */
const ECHO_MS = 50;
/** npm hears it in JavaScript, and passes it on. */
const NPM_ECHO_MS = 500;
const WATCH_MS = 100;

const isCommand = (ask: Ask) => ask === 'SIGINT' || ask === 'SIGTERM';
const starter = (): Starter | undefined => (startedByNohup() ? undefined : findStarter());
let startedBy: Starter | undefined;
let answer: ((ask: Ask) => void) | undefined;

/**
 * To be called before anything else. Without it SIGUSR1, by which clusters tell that time is up, opens Node's debugger;
 * Node undoes what `nohup` did; and whoever is started through npm or npx goes on alone when these are stopped.
 */
export function heedSignals(): void {
  const ask = (what: Ask) => {
    if (answer !== undefined) answer(what);
    else process.exit(128 + constants.signals[what === 'starter' ? 'SIGTERM' : what]);
  };
  process.on('SIGUSR1', ask);
  if (startedByNohup()) process.on('SIGHUP', () => {});
  startedBy = starter();
  if (startedBy === undefined) return;
  const whole = startedBy;
  const watch = setInterval(() => {
    if (isWhole(whole)) return;
    clearInterval(watch);
    ask('starter');
  }, WATCH_MS);
  watch.unref();
}

/**
 * Takes the signals over, for a command that has something to save; before, they end the process as they always do.
 *
 * @param onFinish hears of the first request; why it came, where nobody has just pressed Ctrl-C or the like
 */
export function stopSignals({ onFinish = () => {} }: { onFinish?: (why?: string) => void } = {}): StopSignals {
  const finish = new AbortController();
  const leave = new AbortController();
  const echo = startedBy === undefined ? ECHO_MS : NPM_ECHO_MS;
  let commanded: number | undefined;
  answer = (ask) => {
    if (!finish.signal.aborted) {
      finish.abort(
        new VauError({ code: 'INTERRUPTED', message: 'stopped; the same command goes on from here', exitCode: 130 }),
      );
      onFinish(isCommand(ask) ? undefined : ask === 'starter' ? 'what has started this has ended' : ask);
    }
    if (!isCommand(ask)) return;
    const now = performance.now();
    if (commanded === undefined) commanded = now;
    else if (now - commanded > echo) leave.abort();
  };
  const signals = [...COMMANDS, ...WARNINGS].filter((name) => name !== 'SIGUSR1');
  for (const name of signals) if (name !== 'SIGHUP' || !startedByNohup()) process.on(name, answer);
  if (startedBy?.shell !== undefined) holdShell(startedBy.shell.pid, answer);
  return { finish: finish.signal, leave: leave.signal };
}

/**
 * Where npm is the main process of a container: lets its shell wait, which would die of the first SIGTERM, and npm and
 * the container with it. What is sent to it is seen from here instead. However we end, it goes on.
 */
function holdShell(shell: number, ask: (what: Ask) => void): void {
  const goOn = 'read -r _; kill -CONT "$1" 2>/dev/null';
  const guard = spawn('sh', ['-c', goOn, 'sh', String(shell)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.on('error', () => {});
  if (guard.pid === undefined) return;
  // At once, and not when the event comes: what npm is asked meanwhile would end the shell.
  process.kill(shell, 'SIGSTOP');
  process.on('exit', () => process.kill(shell, 'SIGCONT'));
  const watch = setInterval(() => {
    const asked = pendingSignal(shell);
    if (asked === undefined) return;
    clearInterval(watch);
    ask(asked);
  }, WATCH_MS);
  watch.unref();
  guard.unref();
  guard.stdin?.on('error', () => {});
  (guard.stdin as NodeJS.WritableStream & { unref?: () => void }).unref?.();
}

/**
 * Waits for something that need not be finished, and is done again another time.
 *
 * @throws the signal's reason as soon as it is aborted
 */
export async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
