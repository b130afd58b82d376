import { createHash } from 'node:crypto';
import path from 'node:path';
import { Answers } from '../evaluation/answers.js';
import { answerSampling } from '../evaluation/held-out.js';
import { cacheFolder } from '../system/cache-folder.js';
import { takeLock } from '../system/lock.js';
import { processorFlags } from '../system/processor.js';
import { activeBackend } from '../tensor/active.js';
import { fileIdentity } from '../video/file-identity.js';
import { samplesDigest } from './inputs.js';
import type { RunParts } from './open-run.js';

interface FirstAnswers {
  answers: Answers;
  close: () => Promise<void>;
}

/**
 * What a model answers before its first step is the same for every run that starts from it and holds the same samples out:
 * the arms of an ablation. It is kept in the cache, and asked once; another run waits for one that is at it.
 *
 * @returns null where the start is not the model's own
 */
export async function openFirstAnswers(run: RunParts): Promise<FirstAnswers | null> {
  // A plain LoRA adds nothing yet; an adapter that is gone on with does, and is not looked into.
  if (run.config.model.adapter !== undefined) return null;
  const file = path.join(cacheFolder(), 'first-answers', `${await keyOf(run)}.jsonl`);
  try {
    const release = await takeLock({ file: `${file}.lock`, patience: Number.POSITIVE_INFINITY });
    try {
      const answers = await Answers.open(file);
      return { answers, close: () => answers.close().finally(release) };
    } catch (error) {
      await release();
      throw error;
    }
  } catch {
    // It only saves work: where nothing can be kept, it is asked again.
    return null;
  }
}

/** All that decides about the answers, their last bits included. */
async function keyOf({ config, inputs, held }: RunParts): Promise<string> {
  const { model, data, evaluation } = config;
  const { train: _, eval: __, ...shown } = data;
  const files = [...new Set(held.flatMap(({ visuals }) => visuals.map(({ file }) => file)))];
  const decisive = [
    [inputs.model, { ...model, path: undefined }],
    [samplesDigest(held), await Promise.all(files.map((file) => fileIdentity(file).catch(() => [file])))],
    [shown, answerSampling(config), evaluation.batch_size],
    [
      activeBackend().name,
      process.arch,
      [...processorFlags()].sort(),
      process.env.VAU_RFT_ISA,
      process.env.VAU_RFT_KERNELS,
    ],
  ];
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex');
}
