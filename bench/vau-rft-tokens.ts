/**
 * Times our decoding, token by token: the decoder and the drawing of rollout, on a prompt that is encoded. Prints one line
 * of JSON. Takes the options of the peers (`peers/measure.py`).
 */
import { parseArgs } from 'node:util';
import { toBatch } from '../src/policy/batch.js';
import { openProcessor } from '../src/policy/families/named.js';
import { loadModel } from '../src/policy/load.js';
import { Policy } from '../src/policy/policy.js';
import { FeatureCache } from '../src/policy/vision/feature-cache.js';
import { GREEDY } from '../src/rollout/completion.js';
import { Decoder } from '../src/rollout/decoder.js';
import { drawTokens } from '../src/rollout/sampler.js';
import { uniform } from '../src/system/random.js';
import { startRuntime } from '../src/tensor/runtime.js';
import { median, type TokenMeasurement } from './measurement.js';
import { videoPrompt } from './prompt.js';
import { STEP_OPTIONS } from './step-options.js';

const { values } = parseArgs({
  options: STEP_OPTIONS,
});
const [G, C] = [Number(values.generations), Number(values.completion)];
const sampling = { ...GREEDY, temperature: 1, max_completion_length: C, min_completion_length: C };

await startRuntime({ report: (line) => process.stderr.write(`${line}\n`) });
const type = values.dtype === 'bfloat16' ? 'bfloat16' : 'float32';
const model = await loadModel({ folder: values.model!, type });
const policy = new Policy({ ...model, features: new FeatureCache({ capacity: 2 ** 30 }) });
const { endTokenIds: forbidden } = await openProcessor({ folder: values.model!, config: model.config });
const made = videoPrompt({ config: model.config, tokens: Number(values.tokens) });
const prompt = { ...made, visuals: made.visuals.map((visual) => ({ ...visual, key: `${process.pid} ${Date.now()}` })) };

/** Seconds of each token but the first, whose logits are the prompt's: from logits to the next, drawing included. */
function decode(): number[] {
  const batch = toBatch({ prompts: [prompt] });
  const nextPositions = [prompt.nextPosition];
  const { decoder, logits: first } = Decoder.start({ policy, batch, nextPositions, G, keepsPass: false });
  let logits = first;
  const seconds: number[] = [];
  for (let t = 1; t < C; t++) {
    const start = performance.now();
    const uniforms = Float32Array.from({ length: G }, (_, g) => uniform(0, t, g));
    const { tokens } = drawTokens({ logits, uniforms, sampling, forbidden });
    logits.dispose();
    logits = decoder.next(tokens);
    seconds.push((performance.now() - start) / 1000);
  }
  logits.dispose();
  decoder.dispose();
  return seconds;
}

const rounds = Array.from({ length: 1 + Number(values.steps) }, decode);
const result: TokenMeasurement = {
  peer: 'vau-rft',
  dtype: values.dtype,
  threads: Number(values.threads),
  seconds: median(rounds.slice(1).flat()), // the first one warms up
  prompt_sha256: prompt.digest,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
