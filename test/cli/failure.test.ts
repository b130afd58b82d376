import { afterEach, describe, expect, it, vi } from 'vitest';
import { report } from '../../src/cli/failure.js';
import { DataError, UsageError, VauError } from '../../src/system/errors.js';

afterEach(() => vi.restoreAllMocks());

function reported(error: unknown, debug = false): { code: number; text: string } {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += part;
    return true;
  });
  return { code: report(error, { debug }), text };
}

describe('report', () => {
  it('says the code and the message of our own errors, and nothing else', () => {
    const message = 'a.csv:3: no column “Answer”';
    expect(reported(new DataError({ code: 'COLUMN_MISSING', message }))).toEqual({
      code: 1,
      text: `error COLUMN_MISSING: ${message}\n`,
    });
    expect(reported(new UsageError({ code: 'USAGE', message: 'x' })).code).toBe(2);
    expect(reported(new VauError({ code: 'INTERRUPTED', message: 'x', exitCode: 130 })).code).toBe(130);
  });

  it('says what to do about refusals of the system', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const { code, text } = reported(full);
    expect(code).toBe(1);
    expect(text).toMatch(/^error ENOSPC: .*\nThe disk is full: .*--resume\.\n$/);
  });

  it.each([
    'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[12,9]',
    'Array buffer allocation failed',
    'std::bad_alloc',
    'WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance',
    'spawn ENOMEM',
    'failed to allocate memory',
  ])('says what to set where there is not enough memory: %s', (message) => {
    const { text } = reported(new Error(message));
    expect(text).toMatch(/\nThere is not enough memory\. .*data\.video\.max_pixels.*rollout\.num_generations/);
    expect(text).not.toContain('should not happen');
  });

  it('points to --debug for what should not happen', () => {
    expect(reported(new TypeError('x is undefined'))).toEqual({
      code: 1,
      text: 'error: x is undefined\nThis should not happen. Run it again with --debug for the stack trace.\n',
    });
    expect(reported('text').text).toBe('error: text\n');
  });

  it('shows stacks, also of causes, with --debug', () => {
    const cause = new Error('below');
    const { text } = reported(new DataError({ code: 'X', message: 'above', cause }), true);
    expect(text).toMatch(/^error X: above\n {4}at .*failure\.test[\s\S]*\ncaused by Error: below\n {4}at /);
  });
});
