import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../config/schema.js';
import { createProgress } from '../run/progress.js';
import { runFiles } from '../run/run-folder.js';
import { stopSignals, unlessStopped } from '../system/stop-signals.js';
import { startRuntime } from '../tensor/runtime.js';
import { ensureFfmpeg } from '../video/ffmpeg.js';
import { resultText } from './result.js';
import { makeClips, makeModel, quickstartFolder, removeAll, stageConfig, trainedModel, trainStage } from './stages.js';
import type { QuickstartFamily } from './tiny-shape.js';

const STAGES = 5;

const NAMES: Record<QuickstartFamily, string> = {
  qwen2_vl: 'Qwen2-VL',
  qwen2_5_vl: 'Qwen2.5-VL',
  qwen3_vl: 'Qwen3-VL',
};

/**
 * The whole road on one machine, without a GPU or a download of weights: clips → tiny model → SFT → GRPO → a table of
 * held-out results. Each stage is one of the commands that the real job consists of; what is done already is kept.
 */
export async function quickstart({
  seed,
  family,
  output,
  fresh,
}: {
  seed: number;
  family: QuickstartFamily;
  output: string;
  fresh: boolean;
}): Promise<void> {
  const folder = quickstartFolder(output);
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const stage = (number: number, title: string, command?: string) => {
    say(`\n[${number}/${STAGES}] ${title}`);
    if (command !== undefined) say(`  $ vau-rft ${command}`);
  };
  const stop = stopSignals();
  /** Stopped between two stages or in a short one, which is done again; a training saves first. */
  const short = <T>(work: Promise<T>) => unlessStopped(work, stop.finish);
  if (fresh) await removeAll(folder);
  const started = performance.now();

  stage(1, 'TensorFlow and ffmpeg', 'setup');
  const report = (line: string) => say(`  ${line}`);
  const backend = await short(startRuntime({ report }));
  const { version } = await short(ensureFfmpeg({ report }));
  say(`  ready: ${backend.name}, ffmpeg ${version}`);

  stage(2, 'Surveillance-like clips, annotated', `dataset synthesize --out ${folder.clips} --seed ${seed}`);
  await short(makeClips({ folder, seed, progress: createProgress() }));

  stage(3, `A tiny ${NAMES[family]} with random weights learns to answer (supervised)`);
  await short(makeModel({ folder, seed, family }));
  const sft = await stageConfig({ stage: 'sft', folder, seed, family, model: folder.model });
  say(`  $ vau-rft train ${sft.words[0]}`);
  await trainStage({ ...sft, stop });

  stage(4, 'GRPO: it tries, is rewarded, and gets better');
  const grpo = await stageConfig({ stage: 'grpo', folder, seed, family, model: await trainedModel(sft.config) });
  say(`  $ vau-rft train ${grpo.words[0]}`);
  await trainStage({ ...grpo, stop });

  stage(5, 'Held-out clips, which no stage has seen');
  const result = {
    before: await evaluationOf(sft.config),
    after: await evaluationOf(grpo.config),
    minutes: (performance.now() - started) / 60000,
    folder: path.relative('.', folder.grpo),
    configs: path.dirname(path.dirname(grpo.words[0]!)),
    seed,
  };
  process.stdout.write(resultText(result));
}

async function evaluationOf({ output_dir }: Config): Promise<Record<string, number>> {
  const text = await readFile(runFiles(output_dir).finished, 'utf8');
  return (JSON.parse(text) as { evaluation: Record<string, number> }).evaluation;
}
