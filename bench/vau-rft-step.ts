/**
 * Times our GRPO step: `grpoStep` on the models that `openModels` opens, as a run does it. Prints one line of JSON.
 * Takes the options of the peers (`peers/measure.py`).
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { clusterOptions } from '../src/cli/actions/cluster.js';
import { configSchema } from '../src/config/schema.js';
import { clusterGroup } from '../src/parallel/cluster-group.js';
import { single } from '../src/parallel/single.js';
import { encodeCompletion } from '../src/prompt/build.js';
import { Rewards } from '../src/rewards/rewards.js';
import type { RolloutEngine } from '../src/rollout/engine.js';
import { localEngine } from '../src/rollout/engines/local.js';
import { Profile } from '../src/system/profile.js';
import { startRuntime } from '../src/tensor/runtime.js';
import type { StepContext } from '../src/trainer/context.js';
import type { PromptedSample } from '../src/trainer/data-stream.js';
import { Stopwatch } from '../src/trainer/metrics.js';
import { type Models, openModels } from '../src/trainer/models.js';
import { AdamW } from '../src/trainer/optimizer.js';
import { grpoStep } from '../src/trainer/step.js';
import { type Measurement, median } from './measurement.js';
import { videoPrompt } from './prompt.js';
import { STEP_OPTIONS } from './step-options.js';

const { values } = parseArgs({
  options: {
    ...STEP_OPTIONS,
    lora: { type: 'string', default: '0' },
    // Several processes, as `train` takes them.
    hosts: { type: 'string' },
    rank: { type: 'string', default: '0' },
    profile: { type: 'string' },
  },
});

const LEARNING_RATE = 1e-6;

const config = configSchema.parse({
  name: 'bench',
  model: { path: values.model, dtype: values.dtype, ...trained(Number(values.lora)) },
  rollout: {
    num_generations: Number(values.generations),
    max_completion_length: Number(values.completion),
    min_completion_length: Number(values.completion),
  },
  rewards: [{ name: 'format' }, { name: 'accuracy' }],
  training: { learning_rate: LEARNING_RATE },
});

const profile =
  values.profile === undefined
    ? undefined
    : new Profile({
        steps: Number(values.steps),
        onDone: (profile) => {
          writeFileSync(values.profile!, profile.chromeTrace());
          process.stderr.write(profile.summary());
        },
      });
const cluster = clusterOptions({
  hosts: values.hosts,
  rank: values.hosts === undefined ? undefined : Number(values.rank),
});
const backend = await startRuntime({ report: (line) => process.stderr.write(`${line}\n`), profile, cluster });
const models = await openModels({ config, withReference: true });
const loadedBytes = process.resourceUsage().maxRSS * 1024;
const { parameters } = models.policy;
const optimizer = new AdamW({ parameters, options: config.training });
const context: StepContext = {
  config,
  models,
  engine: answering(models),
  rewards: await Rewards.open({ terms: config.rewards, rollout: config.rollout }),
  verdicts: null,
  rollouts: null,
  prepareChanged: () => Promise.reject(new Error('no reward asks the policy')),
  optimizer,
  classes: [],
  group: backend.collectives === null ? single : clusterGroup(backend.collectives),
};
const prompt = videoPrompt({ config: models.policy.config, tokens: Number(values.tokens) });
const sample: PromptedSample['sample'] = {
  id: 'bench',
  task: 'qa',
  visuals: [{ kind: 'video', file: '' }],
  question: '',
  options: ['', '', '', ''],
  answer: 'A',
  segment: { kind: 'unknown' },
};

const unique = `${values.rank} ${process.pid} ${Date.now()}`;
const timed: { seconds: number; phases: Record<string, number>; handles: number }[] = [];
for (let step = 1; step <= 1 + Number(values.steps); step++) {
  profile?.beginStep();
  const clock = new Stopwatch(profile);
  const handles = backend.handlesMade();
  const start = performance.now();
  const { metrics, tokens } = await grpoStep(context, {
    step,
    // A frozen tower sees a video once a step, as in a run on other videos; what it made of one of before is not to be found.
    draw: async () =>
      Array.from({ length: Number(values.prompts) }, (_, place) => ({
        sample: { ...sample, id: `bench ${values.rank} ${place}` },
        prompt: {
          ...prompt,
          visuals: prompt.visuals.map((visual) => ({ ...visual, key: `${unique}, step ${step}, ${place}` })),
        },
        occurrence: 0,
      })),
    learningRate: LEARNING_RATE,
    clock,
  });
  models.trim();
  const seconds = (performance.now() - start) / 1000;
  const expected = prompt.tokenIds.length + Number(values.generations) * Number(values.completion);
  if (tokens !== context.group.size * Number(values.prompts) * expected)
    throw new Error(`${tokens} tokens were trained on: a completion was shorter than it had to be`);
  if (metrics.reward_std === 0) throw new Error('all rewards were equal: there was nothing to learn');
  const rest = seconds - Object.values(clock.seconds).reduce((sum, part) => sum + part, 0);
  timed.push({ seconds, phases: { ...clock.seconds, rest }, handles: backend.handlesMade() - handles });
}

profile?.end();
const measured = timed.slice(1); // the first one warms up
const phases = Object.fromEntries(
  Object.keys(measured[0]!.phases).map((phase) => [phase, median(measured.map((step) => step.phases[phase]!))]),
);
const result: Measurement = {
  peer: 'vau-rft',
  dtype: values.dtype,
  threads: Number(values.threads),
  seconds: median(measured.map((step) => step.seconds)),
  phases,
  step_seconds: measured.map((step) => step.seconds),
  loaded_rss_bytes: loadedBytes,
  peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  tokens: {
    prompt: prompt.tokenIds.length,
    vision: prompt.visionTokens,
    completion: Number(values.completion),
    generations: Number(values.generations),
  },
  prompt_sha256: prompt.digest,
  handles: median(measured.map((step) => step.handles)),
};
process.stdout.write(`${JSON.stringify(result)}\n`);

/** @param rank of adapters on all decoder linears; 0: the whole model is trained */
function trained(rank: number) {
  return rank === 0 ? { freeze_vision: false } : { freeze_vision: true, lora: { r: rank, lora_alpha: 2 * rank } };
}

/**
 * Random weights earn no reward. Every second completion is replaced by the right answer, filled up with end tokens to the length
 * that it had, so that advantages are not zero.
 */
function answering({ policy, processor }: Models): RolloutEngine {
  const local = localEngine({ policy, processor });
  const answer = encodeCompletion({ processor, text: '<think></think><answer>A</answer>' });
  return {
    ...local,
    generate: async (request) => {
      const rollout = await local.generate(request);
      const completions = rollout.completions.map((group) =>
        group.map((completion, g) =>
          g % 2 === 0 ? completion : { ...completion, tokenIds: filled(completion.tokenIds, answer) },
        ),
      );
      return { ...rollout, completions };
    },
  };
}

/** An answer whose end token, which is not read, is repeated up to a length. */
function filled({ length }: Int32Array, answer: Int32Array): Int32Array {
  if (length < answer.length) throw new Error(`--completion must be at least ${answer.length}, got ${length}`);
  return Int32Array.from({ length }, (_, t) => answer[Math.min(t, answer.length - 1)]!);
}
