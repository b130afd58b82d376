/** Options that several commands take. */

export const configPositional = { type: 'string', demandOption: true, describe: 'A config file (YAML)' } as const;

/** `nargs: 1`, since an array option would otherwise swallow the positionals after it. */
export const setOption = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  describe: 'Override one option of the config: --set training.max_steps=10 (may be repeated)',
} as const;
