import { vi } from 'vitest';
import yargs, { type CommandModule } from 'yargs';

// A command that computes would start another process to do so, and watch over it: here it is this one.
process.env.VAU_RFT_SUPERVISED = '1';

/** Runs one command as the command line would, and returns what it prints; where it fails, the error has that too. */
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
  } catch (error) {
    throw Object.assign(error as Error, printed);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return printed;
}
