import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, vi } from 'vitest';

const folders: string[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder, removed after the test. */
export const emptyFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vau-rft-setup-'));
  folders.push(folder);
  return folder;
};

/**
 * A `PATH` that leads to nothing but these programs, for the time of the test. Each is the body of a Node script, with
 * `args` and `fs` at hand.
 */
export const onlyThesePrograms = (programs: Record<string, string>): string => {
  const folder = emptyFolder();
  for (const [name, body] of Object.entries(programs)) {
    const script = `#!${process.execPath}\nconst fs = require('node:fs'); const args = process.argv.slice(2);\n${body}\n`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), script);
    chmodSync(join(folder, name), 0o755);
  }
  vi.stubEnv('PATH', folder);
  vi.stubEnv('CXX', '');
  return folder;
};

/** A report that keeps its lines. */
export const collected = (): { lines: string[]; report: (line: string) => void } => {
  const lines: string[] = [];
  return { lines, report: (line) => lines.push(line) };
};
