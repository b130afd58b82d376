import { readFileSync } from 'node:fs';

/** What the processor says that it can (`avx2`, `amx_bf16`, …), in Linux's names; nothing where the system is another. */
export function processorFlags(): Set<string> {
  if (process.platform !== 'linux') return new Set();
  const [, flags = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
  return new Set(flags.trim().split(/\s+/));
}
