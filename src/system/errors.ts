/**
 * Every failure that a user can cause is one of these classes: a stable `code`, a message that names the file and the
 * value and says what to do, and the exit code of the command line. The stack is shown only with `--debug`.
 */
export class VauError extends Error {
  /** Stable, for programs: `CONFIG_INVALID`, `VIDEO_UNREADABLE`, … */
  readonly code: string;
  /** 1: failed while running; 2: wrong usage or config; 130: interrupted. */
  readonly exitCode: number;

  constructor({
    code,
    message,
    cause,
    exitCode = 1,
  }: { code: string; message: string; cause?: unknown; exitCode?: number }) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
  }
}

type ErrorOptions = { code: string; message: string; cause?: unknown };

/** The command line or a config is wrong (exit code 2). */
export class UsageError extends VauError {
  constructor(options: ErrorOptions) {
    super({ ...options, exitCode: 2 });
  }
}

/** One problem of a config: where it is (`rewards[1].weight`) and what is wrong with it. */
export interface ConfigIssue {
  path: string;
  /** `configs/base.yaml:7:5`, or the `--set` that said it. */
  place?: string;
  message: string;
}

/** Problems that a message tells. */
const MAX_ISSUES = 50;

/** A config with all of its problems at once (exit code 2). */
export class ConfigError extends UsageError {
  readonly issues: ConfigIssue[];

  constructor({ file, issues, cause }: { file: string; issues: ConfigIssue[]; cause?: unknown }) {
    const lines = issues
      .slice(0, MAX_ISSUES)
      .map(
        ({ path, place, message }) =>
          `  ${place === undefined ? '' : `${place}  `}${path === '' ? '' : `${path}: `}${message}`,
      );
    if (issues.length > MAX_ISSUES) lines.push(`  … and ${issues.length - MAX_ISSUES} more`);
    const count = issues.length === 1 ? 'one problem' : `${issues.length} problems`;
    super({ code: 'CONFIG_INVALID', message: `${file} has ${count}:\n${lines.join('\n')}`, cause });
    this.issues = issues;
  }
}

/** TensorFlow, its build, or ffmpeg is missing or does not work. */
export class SetupError extends VauError {}

/** A video cannot be found, opened or decoded. */
export class VideoError extends VauError {}

/** An annotation file or row cannot be used. */
export class DataError extends VauError {}

/** One sample cannot be shown to the model: its video, its times or its words. Runs go on without it, and count it. */
export class SampleError extends VauError {
  /** Short, and the same for all samples that share it: `the video cannot be read`. */
  readonly reason: string;
  /** The video or picture that can be of no use to any other sample either. */
  readonly file?: string;

  constructor({ reason, file, ...options }: ErrorOptions & { reason: string; file?: string }) {
    super(options);
    this.reason = reason;
    this.file = file;
  }
}

/** A model folder, weight file, tokenizer or adapter is incomplete or does not fit. */
export class ModelError extends VauError {}

/** A checkpoint is damaged, missing or belongs to another run. */
export class CheckpointError extends VauError {}

/** A run cannot go on: non-finite losses in a row, a full disk, nothing left to train on. */
export class RunError extends VauError {}
