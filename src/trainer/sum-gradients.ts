import type { ProcessGroup } from '../parallel/process-group.js';
import type { Parameters } from '../policy/parameters.js';
import { upload } from '../tensor/ops.js';
import { scope } from '../tensor/tensor.js';

/**
 * Puts the sums over the processes in the place of the gradients. One that others have and this process has not (no video
 * in its share) is 0 here; one that nobody has stays away, as in a run of one process.
 */
export async function sumGradients(args: { group: ProcessGroup; parameters: Parameters }): Promise<void> {
  const { group, parameters } = args;
  if (group.size === 1) return;
  const { gradients, trainableNames } = parameters;
  const owned = await group.gather(Float64Array.from(trainableNames, (name) => Number(gradients.has(name))));
  const names = trainableNames.filter((_, i) => owned.some((own) => own[i] === 1));
  for (const name of names) if (!gradients.has(name)) addZeros(parameters, name);
  // The norm is summed in the order of the map, which must be that of the others.
  for (const name of names) {
    const gradient = gradients.get(name)!;
    gradients.delete(name);
    gradients.set(name, gradient);
  }
  await group.sumGradients(names, gradients);
}

function addZeros(parameters: Parameters, name: string): void {
  const { shape } = parameters.variable(name);
  const size = shape.reduce((n, d) => n * d, 1);
  scope(() => parameters.accumulate(name, upload(new Float32Array(size), shape)));
}
