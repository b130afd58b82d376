import { UsageError } from '../system/errors.js';

/** What a number given on the command line has to be. */
interface Rule {
  holds: (value: number) => boolean;
  demand: string;
}

export const positive: Rule = { holds: (x) => x > 0 && x < Infinity, demand: 'a number greater than 0' };
/** A whole number that is bounded as an option of configs is. */
export const countUpTo = (most: number): Rule => ({
  holds: (x) => Number.isInteger(x) && x > 0 && x <= most,
  demand: `a whole number from 1 to ${most}`,
});
export const notNegative: Rule = { holds: (x) => x >= 0 && x < Infinity, demand: 'a number, 0 or greater' };
export const share: Rule = { holds: (x) => x > 0 && x <= 1, demand: 'greater than 0 and at most 1' };
export const shareOrZero: Rule = { holds: (x) => x >= 0 && x <= 1, demand: 'from 0 to 1' };
export const countOrZero: Rule = {
  holds: (x) => Number.isInteger(x) && x >= 0,
  demand: 'a whole number, 0 or greater',
};

/** @throws UsageError naming every option that breaks its rule */
export function checkNumbers<Name extends string>(
  args: NoInfer<Record<Name, number>>,
  rules: Record<Name, Rule>,
): void {
  const wrong = (Object.entries(rules) as [Name, Rule][])
    .filter(([name, { holds }]) => !holds(args[name]))
    .map(([name, { demand }]) => `--${name} must be ${demand}, got ${args[name]}`);
  if (wrong.length > 0) throw new UsageError({ code: 'USAGE', message: wrong.join('\n') });
}
