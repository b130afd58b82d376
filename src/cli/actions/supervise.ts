import { constants } from 'node:os';
import { runDependent } from '../../system/dependent.js';
import { RunError } from '../../system/errors.js';
import { stopSignals } from '../../system/stop-signals.js';
import { killsForMemory, MEMORY_REMEDY } from './memory.js';

/** Tells a process that it is the one that is watched over. */
const SUPERVISED = 'VAU_RFT_SUPERVISED';

const supervised = process.env[SUPERVISED] !== undefined;
// Not so in a program that this process starts.
delete process.env[SUPERVISED];

/** Whether this process is one that `supervise` has started. */
export const isSupervised = (): boolean => supervised;

/** A supervised process ends with this to be started anew; 75 is `EX_TEMPFAIL`. */
export const RESTART_CODE = 75;

export const INTERRUPTED_CODE = 130;

/**
 * Runs this program again as a child with the arguments that it was given, and again with `restartArgs` each time it
 * ends with `RESTART_CODE`: what wears out in a process (TensorFlow's handles) starts fresh. Asked to stop, it asks the
 * child, which stops in its own time; asked again it kills it, since a child that computes hears nothing until it is
 * done.
 *
 * @param onFinish is what people are told when the first request has come
 * @param remedy what they can do where the child was killed by somebody else
 * @returns the child's exit code; 130 where it ended for being asked to
 * @throws RunError `RUN_KILLED` when a signal of somebody else's has ended it
 */
export async function supervise(options: {
  restartArgs?: string[];
  onFinish: string;
  remedy: () => Promise<string>;
}): Promise<number> {
  const { restartArgs = [], onFinish, remedy } = options;
  const say = (why?: string) => {
    const [reason, again] = why === undefined ? ['', '; once more to leave at once'] : [`${why}: `, ''];
    process.stderr.write(`\n${reason}${onFinish}${again}\n`);
  };
  const stop = stopSignals({ onFinish: say });
  const program = [process.execPath, ...process.execArgv, process.argv[1]!];
  const memoryKills = killsForMemory();
  for (let args = process.argv.slice(2); ; args = restartArgs) {
    const end = await runDependent({
      command: [...program, ...args],
      stop,
      env: { [SUPERVISED]: '1' },
      stdio: ['inherit', 'inherit', 'inherit'],
    });
    // Before it could hear us, or because it did not hear us in time.
    if (end.signal !== null && stop.finish.aborted && (stop.leave.aborted || end.signal === 'SIGTERM'))
      return INTERRUPTED_CODE;
    if (end.signal !== null)
      throw killed({ signal: end.signal, wasMemory: killsForMemory() > memoryKills, remedy: await remedy() });
    if (end.code !== RESTART_CODE) return end.code;
    // It has saved for the restart, and was asked to stop meanwhile.
    if (stop.finish.aborted) return INTERRUPTED_CODE;
  }
}

/** What these signals mean when nobody has sent them. */
const CAUSES: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'by somebody, or by the system for want of memory',
  SIGABRT: 'as programs are that cannot get the memory they ask for',
  SIGTRAP: 'as JavaScript is that cannot get the memory it asks for',
  SIGSEGV: 'a crash, which want of memory can cause',
  SIGBUS: 'a crash, which want of memory or a file cut short can cause',
};

function killed(args: { signal: NodeJS.Signals; wasMemory: boolean; remedy: string }): RunError {
  const { signal, wasMemory, remedy } = args;
  const cause = wasMemory ? 'by the system, for want of memory' : CAUSES[signal];
  const memory = cause?.includes('memory')
    ? ` ${wasMemory ? 'Take less of it' : 'If it was memory, take less of it'}: ${MEMORY_REMEDY}`
    : '';
  const message = `the process that computes was killed (${signal}${cause === undefined ? '' : `: ${cause}`}).${memory} ${remedy}`;
  return new RunError({ code: 'RUN_KILLED', message, exitCode: 128 + constants.signals[signal] });
}
