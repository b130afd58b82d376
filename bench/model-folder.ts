import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { runChild } from './child.js';
import { peerFile, projectFile } from './contenders.js';

/** The model to measure: the given one, or a random one of `family` and `size`, which is made once. */
export async function modelFolder(args: {
  model?: string;
  family: string;
  size: string;
  python?: string;
  threads: number;
  say: (line: string) => void;
}): Promise<string> {
  const { model, family, size, python, threads, say } = args;
  if (model !== undefined) return model;
  const folder = projectFile(`runs/bench/models/${family}-${size}`);
  if (existsSync(folder)) return folder;
  if (python === undefined)
    throw new Error('a random model is made by Python: give one with --python, or a model folder with --model');
  say(`making a random ${family} of size ${size} …`);
  const unfinished = `${folder}.${process.pid}`;
  const made = [peerFile('make_model.py'), unfinished, '--family', family, '--size', size];
  await runChild({ command: python, args: made, threads });
  await rename(unfinished, folder);
  return folder;
}

/** What a measured model is called. */
export const nameOf = ({ model, family, size }: { model?: string; family: string; size: string }): string =>
  model ?? `${family} ${size}`;
