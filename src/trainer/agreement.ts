import { createHash } from 'node:crypto';
import { gatherJson } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import type { Parameters } from '../policy/parameters.js';
import { RunError } from '../system/errors.js';
import { packageVersion } from '../system/package-file.js';
import { downloadFloats } from '../tensor/ops.js';
import { scope } from '../tensor/tensor.js';
import type { Inputs } from './run-state.js';

/** What has to be the same in all processes of a run, and what is said where it is not. */
const DIFFERENCES = {
  step: 'stands after another step',
  options: 'has other options',
  data: 'has other training data',
  model: 'starts from another model',
  tensorflow: 'computes with another TensorFlow',
  program: 'runs another version of vau-rft',
  weights: 'trains another number of weights',
};

/** What is compared before every step: small things, and digests. */
export type Common = Partial<Record<keyof typeof DIFFERENCES, string | number>>;

export function commonOf(args: { group: ProcessGroup; options: object; inputs: Inputs }): Common {
  const { group, options, inputs } = args;
  const { data, model } = inputs;
  const programs = { tensorflow: group.version, program: packageVersion() };
  return { options: digestOf(options), data: data.digest, model: digestOf(model), ...programs };
}

const digestOf = (value: object): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/**
 * Gathers what processes have in common, and what each has to say beside it. Processes that went on from different things
 * would be mixed in silence.
 *
 * @returns what each says, by rank
 * @throws RunError `RUN_NOT_ALIKE`
 */
export async function gatherAlike<T extends object>(args: {
  group: ProcessGroup;
  common: Common;
  said: T;
}): Promise<T[]> {
  const { group, common, said } = args;
  if (group.size === 1) return [said];
  const all = await gatherJson(group, { common, said });
  for (const key of Object.keys(DIFFERENCES) as (keyof Common)[]) {
    const other = all.findIndex((one) => one.common[key] !== all[0]!.common[key]);
    if (other !== -1)
      throw notAlike(other, `${DIFFERENCES[key]}${values(all[other]!.common[key], all[0]!.common[key])}`);
  }
  return all.map((one) => one.said);
}

/** Digests say nothing to people. */
const values = (own?: string | number, first?: string | number): string =>
  String(own).length > 30 ? '' : ` (${own}, not ${first})`;

/** Whether the weights are still the same bits in all processes. @throws RunError `RUN_NOT_ALIKE` */
export async function checkWeights({
  group,
  parameters,
}: {
  group: ProcessGroup;
  parameters: Parameters;
}): Promise<void> {
  if (group.size === 1) return;
  const hash = createHash('sha256');
  for (const name of parameters.trainableNames) hash.update(scope(() => downloadFloats(parameters.master(name))));
  const digests = await gatherJson(group, hash.digest('hex'));
  const other = digests.findIndex((digest) => digest !== digests[0]);
  if (other === -1) return;
  throw notAlike(
    other,
    'has other weights after the same steps; no checkpoint was written. Processors have to be of one kind, or VAU_RFT_ISA names what all have',
  );
}

function notAlike(rank: number, what: string): RunError {
  const message = `process ${rank} is not like the first one: it ${what}`;
  return new RunError({ code: 'RUN_NOT_ALIKE', message });
}
