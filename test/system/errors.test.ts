import { describe, expect, it } from 'vitest';
import {
  CheckpointError,
  ConfigError,
  DataError,
  ModelError,
  RunError,
  SetupError,
  UsageError,
  VauError,
  VideoError,
} from '../../src/system/errors.js';

describe('every class', () => {
  it.each([SetupError, VideoError, DataError, ModelError, CheckpointError, RunError])(
    '%s: fails while running',
    (Kind) => {
      const cause = new Error('disk on fire');
      const error = new Kind({ code: 'SOME_CODE', message: 'what and why', cause });
      expect(error).toBeInstanceOf(VauError);
      expect(error).toMatchObject({ name: Kind.name, code: 'SOME_CODE', message: 'what and why', exitCode: 1, cause });
      expect(String(error)).toBe(`${Kind.name}: what and why`);
    },
  );

  it('wrong usage leaves with 2', () => {
    expect(new UsageError({ code: 'X', message: 'm' })).toMatchObject({ name: 'UsageError', exitCode: 2 });
  });

  it('has no cause where none was given', () => {
    expect('cause' in new RunError({ code: 'X', message: 'm' })).toBe(false);
  });

  it('takes another exit code', () => {
    expect(new VauError({ code: 'X', message: 'm', exitCode: 130 }).exitCode).toBe(130);
  });
});

describe('ConfigError', () => {
  it('names the file, and every issue with its place and path', () => {
    const issues = [
      { path: 'rewards[1].weight', place: 'run.yaml:7:5', message: 'must be a number' },
      { path: 'model', message: 'is missing' },
      { path: '', place: '--set a', message: 'has no value' },
    ];
    const error = new ConfigError({ file: 'run.yaml', issues });
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2, issues });
    expect(error.message.split('\n')).toEqual([
      'run.yaml has 3 problems:',
      '  run.yaml:7:5  rewards[1].weight: must be a number',
      '  model: is missing',
      '  --set a  has no value',
    ]);
  });

  it('counts a single one in words', () => {
    const { message } = new ConfigError({ file: 'run.yaml', issues: [{ path: 'seed', message: 'is negative' }] });
    expect(message).toBe('run.yaml has one problem:\n  seed: is negative');
  });
});
