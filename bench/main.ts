/**
 * `npm run bench`: one GRPO step of vau-rft beside its peers, in one run on one machine: the same random checkpoint,
 * video, prompt, group and completion length, the same number of threads. Tables go to standard output.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelConfig } from '../src/policy/files/model-config.js';
import { check } from './check.js';
import { runChild, runJson } from './child.js';
import {
  commandOf,
  isOurs,
  ownFile,
  peerFile,
  projectFile,
  type Setting,
  type Trial,
  takesAdapters,
} from './contenders.js';
import { stepFlops } from './flops.js';
import { measurementSchema, peakSchema } from './measurement.js';
import { type BenchOptions, readOptions } from './options.js';
import { LEGEND, markdownReport, terminalReport } from './report.js';
import { type BenchResult, type Entry, isBusy, thisMachine } from './results.js';

const BEGIN = '<!-- bench: made by `npm run bench -- --write` -->';
const END = '<!-- /bench -->';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function bench(options: BenchOptions, model: string): Promise<void> {
  const { python, threads, steps, lora, write } = options;
  const machine = thisMachine();
  if (isBusy(machine)) {
    const busy = `the machine is busy (load ${machine.load_before.toFixed(1)} on ${machine.cores} cores)`;
    if (write) throw new Error(`${busy}: figures for ${docsFile()} need a quiet one`);
    say(`${busy}: take the figures for a trial`);
  }
  if (python === undefined)
    say('No Python was given (--python or VAU_RFT_PYTHON), so these are our own figures alone, without a ratio.');
  const contenders = options.contenders
    .filter((contender) => python !== undefined || isOurs(contender))
    .filter((contender) => lora === 0 || takesAdapters(contender));
  const config = await readModelConfig(model);
  say('measuring the machine’s products …');
  const peakCommand = { command: process.execPath, args: [ownFile('matmul-peak.js')], threads };
  const peak = peakSchema.parse(await runJson(peakCommand));

  const name = options.model ?? options.size;
  const result: BenchResult = {
    date: new Date().toISOString(),
    machine,
    model: lora === 0 ? name : `${name}, LoRA r = ${lora}`,
    threads,
    steps,
    peak,
    settings: [],
  };
  for (const setting of settingsOf(options)) {
    const entries: Entry[] = [];
    for (const contender of contenders) {
      say(`${JSON.stringify(setting)} ${contender.name} ${contender.dtype} …`);
      entries.push(await measure({ contender, setting, model, steps, threads, lora, python: python ?? '' }));
    }
    sameVideo(entries);
    const finished = { setting, flops: stepFlops({ config, setting, trainsAll: lora === 0 }), entries };
    result.settings.push(finished);
    process.stdout.write(terminalReport(result, finished));
    await save(result);
  }
  process.stdout.write(`\n${LEGEND}\n`);
  if (write) await writeDocs(markdownReport(result));
}

const settingsOf = ({ prompt, generations, completion }: BenchOptions): Setting[] =>
  prompt.flatMap((P) =>
    completion.flatMap((C) => generations.map((G) => ({ prompt: P, generations: G, completion: C }))),
  );

async function measure(args: Trial): Promise<Entry> {
  const { contender, threads } = args;
  try {
    const measurement = measurementSchema.parse(await runJson({ ...commandOf(args), threads }));
    return { contender, measurement };
  } catch (error) {
    return { contender, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws Error if the contenders were not given the same thing */
function sameVideo(entries: Entry[]): void {
  const digests = new Set(entries.flatMap(({ measurement }) => measurement?.prompt_sha256 ?? []));
  if (digests.size > 1) throw new Error('the contenders did not see the same prompt: the comparison is void');
}

async function modelFolder(options: BenchOptions): Promise<string> {
  if (options.model !== undefined) return options.model;
  const folder = projectFile(`runs/bench/models/${options.size}`);
  if (existsSync(folder)) return folder;
  if (options.python === undefined)
    throw new Error('a random model is made by Python: give one with --python, or a model folder with --model');
  say(`making a random model of size ${options.size} …`);
  const unfinished = `${folder}.${process.pid}`;
  const args = [peerFile('make_model.py'), unfinished, '--size', options.size];
  await runChild({ command: options.python, args, threads: options.threads });
  await rename(unfinished, folder);
  return folder;
}

function needPython({ python }: BenchOptions): string {
  if (python === undefined) throw new Error('--check compares with the peers: it needs --python');
  return python;
}

/** One file a run, written again after each setting. */
async function save(result: BenchResult): Promise<void> {
  const folder = projectFile('runs/bench');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${result.date.replaceAll(':', '-')}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
}

function docsFile(): string {
  return projectFile('docs/performance.md');
}

async function writeDocs(tables: string): Promise<void> {
  const text = await readFile(docsFile(), 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${docsFile()} lacks the lines ${BEGIN} and ${END}`);
  await writeFile(docsFile(), `${text.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${text.slice(end)}`);
}

try {
  const options = await readOptions(process.argv.slice(2));
  const folder = await modelFolder(options);
  if (options.check) await check({ ...options, python: needPython(options), model: folder, say });
  else await bench(options, folder);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
