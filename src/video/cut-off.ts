/** Whether a video's warnings tell that a part of it is not there: cut off, or not to be decoded. */
export const lacksAPart = (warnings: readonly string[]): boolean =>
  warnings.some((warning) => / is (?:cut off|damaged): /.test(warning));
