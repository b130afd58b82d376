import { fileURLToPath } from 'node:url';

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
export function parseContender(text: string): Contender {
  if (!CONTENDERS.includes(text)) throw new Error(`there is no contender ${text}; there are ${CONTENDERS.join(', ')}`);
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
export interface Trial {
  contender: Contender;
  setting: Setting;
  model: string;
  steps: number;
  threads: number;
  /** Rank of adapters on all decoder linears; 0: the whole model is trained. */
  lora: number;
  python: string;
}

/** How a contender is started. */
export function commandOf(args: Trial): Command {
  const { contender, setting, model, steps, threads, lora, python } = args;
  const options = {
    model,
    tokens: setting.prompt,
    generations: setting.generations,
    completion: setting.completion,
    dtype: contender.dtype,
    steps,
    threads,
    lora,
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  if (isOurs(contender)) return { command: process.execPath, args: [ownFile('vau-rft-step.js'), ...flags] };
  return { command: python, args: [peerFile(`${contender.name.replace('-', '_')}_step.py`), ...flags] };
}
