import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isRunning, readProcess } from '../../src/system/process-table.js';
import { asTyped } from '../as-typed.js';
import { compileProgram } from '../cli/compiled.js';
import { folderWith } from '../folder.js';

const module = pathToFileURL((await compileProgram()).replace('cli/main.js', 'system/stop-signals.js')).href;
const onLinux = describe.runIf(process.platform === 'linux');

/** Says what it hears, and leaves a while after it was asked to finish, or at once. */
const PROGRAM = `
  const { heedSignals, stopSignals } = await import('${module}');
  heedSignals();
  const say = (text) => process.stdout.write(text + '\\n');
  if (!process.argv.includes('plain')) {
    const { finish, leave } = stopSignals({ onFinish: (why) => say('finish' + (why === undefined ? '' : ' ' + why)) });
    finish.addEventListener('abort', () => setTimeout(() => { say('finished'); process.exit(130); }, 800));
    leave.addEventListener('abort', () => { say('leave'); process.exit(130); });
  }
  say('ready ' + process.pid);
  setTimeout(() => {}, 20000);
`;

interface Heard {
  /** What was started, which may stand above the program. */
  child: ChildProcess;
  /** The program's own id, as it sees it. */
  pid: number;
  /** All that it has said, when it is over. */
  said: Promise<string[]>;
  line(text: string): Promise<void>;
}

/** Runs `words` with the program's file put in the place of `PROGRAM`, until the program is ready. */
async function listen(words: string[], env: NodeJS.ProcessEnv = {}): Promise<Heard> {
  const file = join(await folderWith(), 'program.mjs');
  await writeFile(file, PROGRAM);
  const [command, ...args] = words.map((word) => word.replaceAll('PROGRAM', `${process.execPath} ${file}`));
  const child = spawn(command!, args, { ...asTyped(env), stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const said = once(child.stdout!, 'close').then(() => text.trimEnd().split('\n').slice(1));
  const line = (wanted: string) => expect.poll(() => text, { timeout: 20_000 }).toContain(wanted);
  await line('ready');
  const pid = Number(/^ready (\d+)/m.exec(text)![1]);
  onTestFinished(() => {
    for (const one of [child.pid!, pid]) if (isRunning({ pid: one })) process.kill(one, 'SIGKILL');
  });
  return { child, pid, said, line };
}

const direct = () => listen(['sh', '-c', 'exec PROGRAM']);

describe('a process that has something to save', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('finishes at %s, also when it comes twice as an echo', async (signal) => {
    const { pid, said } = await direct();
    process.kill(pid, signal);
    process.kill(pid, 'SIGTERM');
    expect(await said).toEqual(['finish', 'finished']);
  });

  it.each(['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const)(
    'finishes at %s however often it comes, and what comes then is the first request to stop',
    async (signal) => {
      const { pid, said, line } = await direct();
      process.kill(pid, signal);
      await line('finish');
      await setTimeout(200);
      process.kill(pid, signal);
      process.kill(pid, 'SIGTERM');
      expect(await said).toEqual([`finish ${signal}`, 'finished']);
    },
  );

  it('leaves at once when it is asked again', async () => {
    const { pid, said, line } = await direct();
    process.kill(pid, 'SIGTERM');
    await line('finish');
    await setTimeout(200);
    process.kill(pid, 'SIGINT');
    expect(await said).toEqual(['finish', 'leave']);
  });
});

it('SIGUSR1 ends a process that has nothing to save, and opens no debugger', async () => {
  const { child, pid, said } = await listen(['sh', '-c', 'exec PROGRAM plain']);
  process.kill(pid, 'SIGUSR1');
  expect(await once(child, 'exit')).toEqual([138, null]);
  expect(await said).toEqual([]);
});

onLinux('what was started by nohup', () => {
  it.each([
    ['as bash, zsh and ksh tell', ['sh', '-c', 'nohup PROGRAM'], { _: '/usr/bin/nohup' }],
    ['in a script', ['nohup', 'sh', '-c', 'PROGRAM; :'], {}],
    ['from a terminal', ['sh', '-c', 'nohup PROGRAM 0>/dev/null'], {}],
  ] as const)('outlives its terminal: %s', async (_, words, env) => {
    const { pid, said, line } = await listen([...words], env);
    process.kill(pid, 'SIGHUP');
    process.kill(pid, 'SIGHUP');
    await setTimeout(200);
    process.kill(pid, 'SIGTERM');
    await line('finish');
    expect(await said).toEqual(['finish', 'finished']);
  });
});

onLinux('what npm has started', () => {
  const NPM = ['npm', 'exec', '--offline', '-c'];
  // npm runs a shell, and that the program: as the shells do that do not become the last program of a line.
  const started = (line = 'PROGRAM; exit $?') => listen([...NPM, line]);

  it.each(['SIGTERM', 'SIGKILL'] as const)('finishes when npm is ended by %s', async (signal) => {
    const { child, said } = await started();
    child.kill(signal);
    expect(await said).toEqual(['finish what has started this has ended', 'finished']);
  });

  it('takes one Ctrl-C for one, though it comes from the terminal and from npm', async () => {
    const { pid, said, line } = await started();
    process.kill(pid, 'SIGINT');
    await line('finish');
    await setTimeout(200);
    process.kill(pid, 'SIGINT');
    expect(await said).toEqual(['finish', 'finished']);
  });

  it.each([
    ['in a session of its own', 'setsid PROGRAM'],
    ['in the background', 'PROGRAM & wait'],
  ])('goes on %s', async (_, line) => {
    const { child, pid, said } = await started(`${line}; exit $?`);
    child.kill('SIGKILL');
    await setTimeout(500);
    process.kill(pid, 'SIGTERM');
    expect(await said).toEqual(['finish', 'finished']);
  });

  it.runIf(canIsolate())('is finished before a container ends whose main process is npm', async () => {
    const { child, said } = await listen(['unshare', ...ISOLATED, ...NPM, 'PROGRAM; exit $?']);
    process.kill(firstBelow(child.pid!), 'SIGTERM');
    expect(await said).toEqual(['finish', 'finished']);
  });

  it.runIf(canIsolate())('leaves such a container when it is killed', async () => {
    const { child } = await listen(['unshare', ...ISOLATED, ...NPM, 'PROGRAM; exit $?']);
    process.kill(programBelow(child.pid!), 'SIGKILL');
    expect(await once(child, 'exit')).toEqual([137, null]);
  });
});

const ISOLATED = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];

function canIsolate(): boolean {
  try {
    execFileSync('unshare', [...ISOLATED, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The process that `unshare` has started: the main one of its namespace. */
const firstBelow = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

/** The program itself, somewhere below `pid`. */
function programBelow(pid: number): number {
  const next = firstBelow(pid);
  return readProcess(next)!.command[1]?.endsWith('program.mjs') ? next : programBelow(next);
}
