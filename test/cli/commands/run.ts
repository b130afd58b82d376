import { vi } from 'vitest';
import yargs, { type CommandModule } from 'yargs';

/** Runs one command as the command line would, and returns what it prints. */
export async function runCommand<Arguments>(
  command: CommandModule<object, Arguments>,
  args: string[],
): Promise<{ stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += text;
      return true;
    }),
  );
  try {
    await yargs(args)
      .command(command)
      .strict()
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return printed;
}
