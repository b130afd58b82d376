/**
 * Compares our log-probs' gradients with those that `peers/shared_prefix_step.py --check FOLDER` left in FOLDER: same
 * models, prompt, completions and advantages. Prints the largest relative difference of a weight's gradient.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { configSchema } from '../src/config/schema.js';
import { openSafetensors, toFloat32 } from '../src/model-folder/safetensors.js';
import { canonicalTensorName } from '../src/model-folder/tensor-names.js';
import { loadModel } from '../src/policy/load.js';
import { Policy } from '../src/policy/policy.js';
import { downloadFloats } from '../src/tensor/ops.js';
import { startRuntime } from '../src/tensor/runtime.js';
import { groupAdvantages } from '../src/trainer/advantages.js';
import { objectiveOf } from '../src/trainer/loss/objective.js';
import { accumulateGrpo, toMicroBatches } from '../src/trainer/micro-batch.js';
import { videoPrompt } from './prompt.js';

const TOLERANCE = 1e-4;

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    tokens: { type: 'string' },
    generations: { type: 'string' },
    completion: { type: 'string' },
  },
});
const folder = values.folder!;
const G = Number(values.generations);
const C = Number(values.completion);

await startRuntime({ report: (line) => process.stderr.write(`${line}\n`) });
const open = async (name: string, trains: boolean) =>
  new Policy({
    ...(await loadModel({ folder: join(folder, name), type: 'float32', trains: () => trains })),
    features: null,
  });
const policy = await open('policy', true);
const reference = await open('reference', false);

const objective = objectiveOf(configSchema.parse({ name: 'check', model: { path: folder } }));
const ranks = Array.from({ length: G }, (_, g) => g);
const group = {
  prompt: videoPrompt({ config: policy.config, tokens: Number(values.tokens) }),
  completions: ranks.map((g) => Int32Array.from({ length: C }, (_, c) => (g * 7907 + c * 131 + 7) % 256)),
  advantages: groupAdvantages({ rewards: [ranks], scale: 'group' })[0]!,
};
const [microBatch] = toMicroBatches([[group]], objective);
microBatch!.referenceLogprobs = reference.score({ batch: microBatch!.batch, temperature: 1 }).logprobs;
const { loss } = accumulateGrpo({ policy, microBatch: microBatch!, objective });

const expected = await openSafetensors(join(folder, 'gradients.safetensors'));
let worst = 0;
for (const stored of expected.entries.keys()) {
  const theirs = toFloat32(await expected.readTensor(stored));
  const gradient = policy.parameters.gradients.get(canonicalTensorName(stored));
  if (gradient === undefined) throw new Error(`no gradient of ${stored}`);
  const ours = downloadFloats(gradient);
  const apart = ours.map((value, i) => value - theirs[i]!);
  worst = Math.max(worst, norm(apart) / Math.max(norm(theirs), 1e-12));
}
await expected.close();
process.stdout.write(`${JSON.stringify({ loss, weights: expected.entries.size, gradient_difference: worst })}\n`);
if (!(worst < TOLERANCE)) throw new Error(`a gradient differs by ${worst.toExponential(1)} relative`);

function norm(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}
