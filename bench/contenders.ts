import { fileURLToPath } from 'node:url';
import type { Limits } from './child.js';

/** The project's folder, from where this runs once it is compiled (`.dist-bench/bench`). */
const root = new URL('../../', import.meta.url);
export const projectFile = (path: string): string => fileURLToPath(new URL(path, root));
export const peerFile = (name: string): string => projectFile(`bench/peers/${name}`);
export const ownFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The dtypes that each can be measured in; `bench/peers/README.md` says what they mean. */
const DTYPES = {
  'vau-rft': ['float32', 'bfloat16'],
  trl: ['float32', 'bfloat16', 'autocast'],
  'vau-r1': ['float32', 'bfloat16', 'mixed'],
  'shared-prefix': ['float32', 'bfloat16', 'mixed'],
} as const;
export type ContenderName = keyof typeof DTYPES;

export interface Contender {
  name: ContenderName;
  dtype: string;
}

/** All of them, as `NAME:DTYPE`. */
export const CONTENDERS = Object.entries(DTYPES).flatMap(([name, dtypes]) => dtypes.map((dtype) => `${name}:${dtype}`));

/** @throws Error for one that there is not */
export function parseContender(text: string, among: readonly string[]): Contender {
  if (!among.includes(text)) throw new Error(`there is no contender ${text}; there are ${among.join(', ')}`);
  const [name, dtype] = text.split(':') as [ContenderName, string];
  return { name, dtype };
}

/** Who can train adapters. */
export const takesAdapters = ({ name }: Contender): boolean => name === 'vau-rft' || name === 'trl';

export const isOurs = ({ name }: { name: string }): boolean => name === 'vau-rft';

/** What the step is made of: a prompt of P tokens, G completions of C. */
export interface Setting {
  prompt: number;
  generations: number;
  completion: number;
}

export interface Command {
  command: string;
  args: string[];
}

/** One contender in one setting; all take the same options. */
export interface Trial extends Limits {
  contender: Contender;
  setting: Setting;
  model: string;
  /** Timed, after one to warm up. */
  steps: number;
  /** Rank of adapters on all decoder linears; left out: the whole model is trained. */
  lora?: number;
  python: string;
}

/** How a contender is started: by the script that measures `what` of it. */
export function commandOf({ what, ...trial }: Trial & { what: 'step' | 'tokens' }): Command {
  const { contender, setting, model, steps, threads, lora, python } = trial;
  const { prompt, generations, completion } = setting;
  const options = { model, tokens: prompt, generations, completion, dtype: contender.dtype, steps, threads, lora };
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  if (isOurs(contender)) return { command: process.execPath, args: [ownFile(`vau-rft-${what}.js`), ...flags] };
  return { command: python, args: [peerFile(`${contender.name.replace('-', '_')}_${what}.py`), ...flags] };
}

/** All of a run, one after the other. */
export const settingsOf = (args: { prompt: number[]; generations: number[]; completion: number[] }): Setting[] =>
  args.prompt.flatMap((prompt) =>
    args.completion.flatMap((completion) =>
      args.generations.map((generations) => ({ prompt, generations, completion })),
    ),
  );
