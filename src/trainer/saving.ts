import { rm } from 'node:fs/promises';
import { fixedOptions } from '../config/resume.js';
import { writeAtomically } from '../system/atomic-write.js';
import { Adviser } from './adviser.js';
import type { BestCheckpoint } from './best-checkpoint.js';
import { openBest, writeBest } from './best-file.js';
import { removeAfter, removeOld, writeCheckpoint } from './checkpoint.js';
import type { RunParts } from './open-run.js';
import { RunRecords } from './run-records.js';
import { saveTraining } from './training-files.js';

/** What a run leaves in its folder: records, checkpoints, the best of them. The first process alone has it. */
export class Saving {
  readonly records: RunRecords;
  readonly adviser: Adviser;
  readonly #run: RunParts;
  readonly #best: BestCheckpoint | null;
  /** The step of the newest checkpoint. */
  #saved: number;

  private constructor(run: RunParts, records: RunRecords, best: BestCheckpoint | null, adviser: Adviser) {
    this.#run = run;
    this.adviser = adviser;
    this.records = records;
    this.#best = best;
    this.#saved = run.start;
  }

  /** From here on the folder is changed. */
  static async open(run: RunParts): Promise<Saving> {
    const { config, folder, checkpoint, start, warn } = run;
    const state = checkpoint?.state;
    await folder.takeConfig();
    await removeAfter({ folder: folder.checkpoints, step: start });
    if (start < config.training.max_steps) await rm(folder.finished, { force: true });
    const records = await RunRecords.open({ folder, step: start, expected: state?.records, warn });
    const best = await openBest({ config, folder, state: state?.best, warn });
    return new Saving(run, records, best, await Adviser.open({ config, folder, step: start }));
  }

  /** One of the checkpoints that the config asks for. */
  async saveRegularly(): Promise<void> {
    const { standing, health } = this.#run;
    this.#best?.saving(standing.step, health.reward);
    await this.#save();
  }

  /** So that nothing of the run is lost when it ends here. */
  async saveLast(): Promise<void> {
    if (this.#saved < this.#run.standing.step) await this.#save();
  }

  /** After the run's last step. */
  ending(): void {
    this.#best?.ending(this.#run.standing.step, this.#run.health.reward);
  }

  /** Whether what was measured held out makes this step's checkpoint the best. */
  async judge(reward: unknown): Promise<void> {
    const { config, folder, standing, health } = this.#run;
    const best = this.#best;
    const { eval_steps, save_total_limit: keep } = config.training;
    // Before the first step there is no checkpoint that could be the best.
    if (best === null || eval_steps === 0 || standing.step === 0 || typeof reward !== 'number') return;
    if (!best.evaluated({ step: standing.step, reward, isRuined: health.ruin.length > 0 })) return;
    if (this.#saved < standing.step) return this.#save();
    await removeOld({ folder: folder.checkpoints, keep, steps: best.steps });
    await writeBest({ best, folder });
  }

  /** Says that the run has done all of its steps. */
  async finish(evaluation: Record<string, number>): Promise<void> {
    const { folder, standing } = this.#run;
    const text = `${JSON.stringify({ step: standing.step, evaluation }, null, 2)}\n`;
    await writeAtomically({ file: folder.finished, text });
  }

  async #save(): Promise<void> {
    const { config, folder, context, stream, ahead, health, inputs, changes, standing, log } = this.#run;
    const { models, optimizer } = context;
    const { step, badSteps, totals } = standing;
    await this.records.sync();
    await writeCheckpoint({
      folder: folder.checkpoints,
      keep: config.training.save_total_limit,
      steps: this.#best?.steps,
      state: {
        step,
        epoch: ahead.place?.epoch ?? stream.epoch,
        data_position: ahead.place?.position ?? stream.position,
        curriculum: stream.curriculum?.state,
        seed: config.seed,
        options: fixedOptions(config),
        inputs,
        changes,
        optimizer_step: optimizer.step,
        bad_steps: badSteps,
        totals,
        records: this.records.counts(step),
        health: health.state,
        best: this.#best?.stateAt(step),
      },
      writeFiles: (into) => saveTraining({ models, optimizer, config, folder: into }),
    });
    this.#saved = step;
    log.info({ step }, 'checkpoint saved');
    await writeBest({ best: this.#best, folder });
  }
}
