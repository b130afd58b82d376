import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { runChild } from './child.js';
import { peerFile, projectFile } from './contenders.js';

/** The model to measure: the given one, or a random one of `size`, which is made once. */
export async function modelFolder(args: {
  model?: string;
  size: string;
  python?: string;
  threads: number;
  say: (line: string) => void;
}): Promise<string> {
  const { model, size, python, threads, say } = args;
  if (model !== undefined) return model;
  const folder = projectFile(`runs/bench/models/${size}`);
  if (existsSync(folder)) return folder;
  if (python === undefined)
    throw new Error('a random model is made by Python: give one with --python, or a model folder with --model');
  say(`making a random model of size ${size} …`);
  const unfinished = `${folder}.${process.pid}`;
  await runChild({ command: python, args: [peerFile('make_model.py'), unfinished, '--size', size], threads });
  await rename(unfinished, folder);
  return folder;
}
