import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';

// Each test file runs in an empty folder: what one writes by a relative name does not land in the tree, and is told.
const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'vau-rft-cwd-'));
process.chdir(folder);
afterAll(() => {
  process.chdir(root);
  const left = readdirSync(folder);
  rmSync(folder, { recursive: true, force: true });
  expect(left, 'files that tests have left in the current folder').toEqual([]);
});
