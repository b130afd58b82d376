import { join } from 'node:path';
import yargs from 'yargs';
import { usableCpus } from '../src/system/cpus.js';
import { CONTENDERS, type Contender, parseContender } from './contenders.js';

/** What the benchmark is asked for. */
export interface BenchOptions {
  /** A Python with what `bench/peers/README.md` lists; without it only our own step is measured. */
  python?: string;
  model?: string;
  size: string;
  prompt: number[];
  generations: number[];
  completion: number[];
  contenders: Contender[];
  steps: number;
  threads: number;
  lora: number;
  check: boolean;
  write: boolean;
}

export async function readOptions(args: string[]): Promise<BenchOptions> {
  const parsed = await yargs(args)
    .scriptName('npm run bench --')
    .usage('$0 [options]\n\nMeasures one GRPO step of vau-rft beside its peers, each in a process of its own.')
    .option('python', {
      type: 'string',
      default: process.env.VAU_RFT_PYTHON,
      defaultDescription: '$VAU_RFT_PYTHON',
      describe: 'A Python with what bench/peers/README.md lists; without it the peers are left out',
    })
    .option('model', { type: 'string', describe: 'A model folder; left out: a random one of --size' })
    .option('size', { choices: ['small', 'tiny', '2B'], default: 'small', describe: 'Of the random model' })
    .option('prompt', { type: 'number', array: true, default: [640], describe: 'Prompt tokens, the video’s included' })
    .option('generations', { type: 'number', array: true, default: [8], describe: 'Completions of the prompt (G)' })
    .option('completion', { type: 'number', array: true, default: [64], describe: 'Tokens of each completion' })
    .option('contenders', {
      type: 'string',
      array: true,
      default: CONTENDERS,
      describe: 'Who is measured, as NAME:DTYPE',
    })
    .option('steps', { type: 'number', default: 3, describe: 'Steps to take the median of, after one to warm up' })
    .option('threads', { type: 'number', default: usableCpus(), describe: 'Threads of every contender' })
    .option('lora', {
      type: 'number',
      default: 0,
      describe: 'Rank of adapters on all decoder linears, the vision tower frozen; 0: the whole model is trained',
    })
    .option('check', { type: 'boolean', default: false, describe: 'Compare gradients instead of measuring' })
    .option('write', {
      type: 'boolean',
      default: false,
      describe: `Put the tables into ${join('docs', 'performance.md')}`,
    })
    .strict()
    .help()
    .parseAsync();
  return { ...parsed, contenders: parsed.contenders.map(parseContender) };
}
