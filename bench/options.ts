import type { Options } from 'yargs';
import yargs from 'yargs';
import { FAMILIES } from '../src/policy/families/index.js';
import { usableCpus } from '../src/system/cpus.js';
import { CONTENDERS, type Contender, parseContender } from './contenders.js';
import { ISAS, type Isa } from './isa.js';

/** Options of every benchmark of a model. */
export const COMMON = {
  python: {
    type: 'string',
    default: process.env.VAU_RFT_PYTHON,
    defaultDescription: '$VAU_RFT_PYTHON',
    describe: 'A Python with what bench/peers/README.md lists; without it the peers are left out',
  },
  model: { type: 'string', describe: 'A model folder; left out: a random one of --family and --size' },
  family: {
    choices: FAMILIES.map(({ modelType }) => modelType),
    default: 'qwen2_vl',
    describe: 'Of the random model',
  },
  size: {
    type: 'string',
    default: 'small',
    describe: 'Of the random model: small, tiny, or one that is published (2B, 3B, 4B)',
  },
  prompt: { type: 'number', array: true, default: [640], describe: 'Prompt tokens, the video’s included' },
  generations: { type: 'number', array: true, default: [8], describe: 'Completions of the prompt (G)' },
  completion: { type: 'number', array: true, default: [64], describe: 'Tokens of each completion' },
  threads: { type: 'number', default: usableCpus(), describe: 'Threads of every contender' },
  isa: { choices: ISAS, describe: 'Hold every contender to an instruction set that is less than the processor has' },
  write: { type: 'boolean', default: false, describe: 'Put the tables into docs/performance.md' },
} satisfies Record<string, Options>;

/** What the benchmark of a step is asked for. */
export interface BenchOptions {
  /** Without it only our own step is measured. */
  python?: string;
  model?: string;
  family: string;
  size: string;
  prompt: number[];
  generations: number[];
  completion: number[];
  contenders: Contender[];
  steps: number;
  threads: number;
  isa?: Isa;
  lora: number;
  check: boolean;
  write: boolean;
}

export async function readOptions(args: string[]): Promise<BenchOptions> {
  const parsed = await yargs(args)
    .scriptName('npm run bench --')
    .usage('$0 [options]\n\nMeasures one GRPO step of vau-rft beside its peers, each in a process of its own.')
    .options(COMMON)
    .option('contenders', {
      type: 'string',
      array: true,
      describe: 'Who is measured, as NAME:DTYPE',
      defaultDescription: `${CONTENDERS.join(' ')}; with --isa avx2 those of float32`,
    })
    .option('steps', { type: 'number', default: 3, describe: 'Steps to take the median of, after one to warm up' })
    .option('lora', {
      type: 'number',
      default: 0,
      describe: 'Rank of adapters on all decoder linears, the vision tower frozen; 0: the whole model is trained',
    })
    .option('check', { type: 'boolean', default: false, describe: 'Compare gradients instead of measuring' })
    .strict()
    .help()
    .parseAsync();
  const contenders = (parsed.contenders ?? usual(parsed.isa)).map((text) => parseContender(text, CONTENDERS));
  return { ...parsed, contenders };
}

/** Who is measured where nobody is named. With AVX2 alone libraries multiply bfloat16 slowly or not at all. */
const usual = (isa: Isa | undefined): string[] =>
  CONTENDERS.filter((contender) => isa !== 'avx2' || contender.endsWith(':float32'));
