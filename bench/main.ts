/**
 * `npm run bench`: one GRPO step of vau-rft beside its peers, in one run on one machine: the same random checkpoint,
 * video, prompt, group and completion length, the same number of threads. Tables go to standard output.
 */
import { readModelConfig } from '../src/policy/families/read-config.js';
import { check } from './check.js';
import { runJson } from './child.js';
import { commandOf, isOurs, settingsOf, type Trial, takesAdapters } from './contenders.js';
import { sectionName, writeSection } from './docs.js';
import { stepFlops } from './flops.js';
import { describeMachine, thisMachine, wantQuiet } from './machine.js';
import { measurementSchema, wantSamePrompt } from './measurement.js';
import { modelFolder, nameOf } from './model-folder.js';
import { type BenchOptions, readOptions } from './options.js';
import { LEGEND, markdownReport, terminalReport } from './report.js';
import { type BenchResult, type Entry, save } from './results.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function bench(options: BenchOptions, model: string): Promise<void> {
  const { python, threads, isa, steps, lora, write } = options;
  wantQuiet({ write, say });
  if (python === undefined)
    say('No Python was given (--python or VAU_RFT_PYTHON), so these are our own figures alone, without a ratio.');
  const contenders = options.contenders
    .filter((contender) => python !== undefined || isOurs(contender))
    .filter((contender) => lora === 0 || takesAdapters(contender));
  const config = await readModelConfig(model);
  say('measuring the machine’s products and memory …');
  const name = nameOf(options);
  const result: BenchResult = {
    date: new Date().toISOString(),
    machine: await thisMachine({ threads, isa }),
    model: lora === 0 ? name : `${name}, LoRA r = ${lora}`,
    steps,
    settings: [],
  };
  process.stdout.write(`${describeMachine(result.machine)}\n`);
  for (const setting of settingsOf(options)) {
    const entries: Entry[] = [];
    for (const contender of contenders) {
      say(`${JSON.stringify(setting)} ${contender.name} ${contender.dtype} …`);
      entries.push(await measure({ contender, setting, model, steps, threads, isa, lora, python: python ?? '' }));
    }
    wantSamePrompt(entries.flatMap(({ measurement }) => measurement ?? []));
    const finished = { setting, flops: stepFlops({ config, setting, trainsAll: lora === 0 }), entries };
    result.settings.push(finished);
    process.stdout.write(terminalReport(result, finished));
    await save(result);
  }
  process.stdout.write(`\n${LEGEND}\n`);
  if (write) await writeSection({ name: sectionName({ command: 'bench', ...options }), body: markdownReport(result) });
}

async function measure(trial: Trial): Promise<Entry> {
  const { contender } = trial;
  try {
    const measurement = measurementSchema.parse(await runJson({ ...trial, ...commandOf({ ...trial, what: 'step' }) }));
    return { contender, measurement };
  } catch (error) {
    return { contender, failure: error instanceof Error ? error.message : String(error) };
  }
}

function needPython({ python }: BenchOptions): string {
  if (python === undefined) throw new Error('--check compares with the peers: it needs --python');
  return python;
}

try {
  const options = await readOptions(process.argv.slice(2));
  const folder = await modelFolder({ ...options, say });
  if (options.check) await check({ ...options, python: needPython(options), model: folder, say });
  else await bench(options, folder);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
