/**
 * `npm run bench:tokens`: how quickly completions are decoded, token by token, once their prompt is encoded, beside the
 * shared prefix in PyTorch: the same random checkpoint, prompt and number of threads, each in a process of its own.
 */
import yargs from 'yargs';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { runJson } from '../child.js';
import { commandOf, isOurs, parseContender, settingsOf, type Trial } from '../contenders.js';
import { sectionName, writeSection } from '../docs.js';
import { thisMachine, wantQuiet } from '../machine.js';
import { tokenMeasurementSchema, wantSamePrompt } from '../measurement.js';
import { modelFolder, nameOf } from '../model-folder.js';
import { COMMON } from '../options.js';
import { save } from '../results.js';
import { markdownReport, type TokenEntry, type TokenResult, terminalReport } from './report.js';
import { tokenWork } from './work.js';

const CONTENDERS = ['vau-rft:float32', 'vau-rft:bfloat16', 'shared-prefix:float32', 'shared-prefix:bfloat16'];

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const readOptions = () =>
  yargs(process.argv.slice(2))
    .scriptName('npm run bench:tokens --')
    .usage('$0 [options]\n\nMeasures decoding, token by token, beside PyTorch.')
    .options({
      ...COMMON,
      prompt: { ...COMMON.prompt, default: [640, 4000] },
      generations: { ...COMMON.generations, default: [1, 4, 8, 16] },
    })
    .option('contenders', {
      type: 'string',
      array: true,
      describe: 'Who is measured, as NAME:DTYPE',
      defaultDescription: `${CONTENDERS.join(' ')}, the last one not with --isa avx2`,
    })
    .option('steps', {
      type: 'number',
      default: 3,
      describe: 'Times that completions are decoded, after one to warm up; medians are over all tokens of these',
    })
    .strict()
    .help()
    .parseAsync();

/** With AVX2 alone PyTorch is slower in bfloat16 than in float32, up to a hundred times. */
const usual = (isa: string | undefined): string[] => (isa === 'avx2' ? CONTENDERS.slice(0, -1) : CONTENDERS);

async function bench(): Promise<void> {
  const options = await readOptions();
  const { python = '', threads, isa, steps, write } = options;
  wantQuiet({ write, say });
  const contenders = (options.contenders ?? usual(isa))
    .map((text) => parseContender(text, CONTENDERS))
    .filter((contender) => python !== '' || isOurs(contender));
  const model = await modelFolder({ ...options, say });
  const config = await readModelConfig(model);
  say('measuring the machine’s products and memory …');
  const result: TokenResult = {
    date: new Date().toISOString(),
    machine: await thisMachine({ threads, isa }),
    model: nameOf(options),
    steps,
    entries: [],
  };
  for (const setting of settingsOf(options)) {
    const entries: TokenEntry[] = [];
    for (const contender of contenders) {
      say(`${JSON.stringify(setting)} ${contender.name} ${contender.dtype} …`);
      const work = tokenWork({ config, setting, dtype: contender.dtype });
      const measured = await measure({ contender, setting, model, steps, threads, isa, python });
      entries.push({ contender, setting, work, ...measured });
    }
    wantSamePrompt(entries.flatMap(({ measurement }) => measurement ?? []));
    result.entries.push(...entries);
    await save(result);
  }
  process.stdout.write(terminalReport(result));
  if (write)
    await writeSection({ name: sectionName({ command: 'bench:tokens', ...options }), body: markdownReport(result) });
}

async function measure(trial: Trial): Promise<Pick<TokenEntry, 'measurement' | 'failure'>> {
  try {
    const printed = await runJson({ ...trial, ...commandOf({ ...trial, what: 'tokens' }) });
    return { measurement: tokenMeasurementSchema.parse(printed) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

try {
  await bench();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
